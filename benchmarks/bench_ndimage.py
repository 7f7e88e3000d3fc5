"""scipy.ndimage natively and with torch, side by side; what is called stands in `ndimage_calls`."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from ndimage_calls import CALLS, Scene
from sides import Timed, command


def calls(shape: tuple[int, ...], dtype: str) -> Iterator[Timed]:
    """The calls for images of a shape and dtype."""
    scene = Scene(shape, dtype)
    for call in CALLS:
        if call.fits(scene):
            arguments = functools.partial(call.arguments, scene)
            yield Timed(call.label, f"scipy.ndimage.{call.function}", arguments)


if __name__ == "__main__":
    command("scipy", calls)()
