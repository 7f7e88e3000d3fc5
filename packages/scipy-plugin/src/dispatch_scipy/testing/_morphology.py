"""Calls of grey-scale morphology. A declaration lists parts in the order in which they are drawn."""

from __future__ import annotations

from typing import Final

from dispatch_core.testing import Case, case, maybe

from ._parts import axes, cval, image, output
from ._windows import footprint, origins, size, structure, window_modes


def _grey() -> Case:
    return case(
        ("footprint", "structure"),
        input=image(),
        axes=maybe(axes),
        footprint=maybe(footprint),
        structure=maybe(structure),
        size=size,
        mode=maybe(window_modes),
        cval=maybe(cval),
        origin=maybe(origins),
        output=maybe(output),
    )


CASES: Final = {
    name: _grey()
    for name in (
        "grey_erosion",
        "grey_dilation",
        "grey_opening",
        "grey_closing",
        "morphological_gradient",
        "morphological_laplace",
        "white_tophat",
        "black_tophat",
    )
}
