"""scikit-image natively and with torch, side by side; what is called stands in `skimage_calls`."""

from __future__ import annotations

from sides import command
from skimage_calls import timed

if __name__ == "__main__":
    command("skimage", timed, multiplies=True)()
