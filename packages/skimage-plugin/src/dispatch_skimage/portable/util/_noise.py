"""Noise drawn by NumPy's generators, so that a seed gives on all families what it gives in scikit-image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from dispatch_core import limits, traits

from .._blocks import blockwise
from .._shared import as_dtype, constant, dtype_of, from_host, namespace, on_cpu
from ._dtype import img_as_float

__all__ = ["random_noise"]

Array = Any
#: Numbers that are drawn at a time where one bit is kept of each: they stay in cache.
_DRAWN: Final = 1 << 14
#: By mode the keywords it takes, and what they are without being given.
_KEYWORDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "gaussian": {"mean": 0.0, "var": 0.01},
    "localvar": {"local_vars": None},
    "poisson": {},
    "salt": {"amount": 0.05},
    "pepper": {"amount": 0.05},
    "s&p": {"amount": 0.05, "salt_vs_pepper": 0.5},
    "speckle": {"mean": 0.0, "var": 0.01},
}


def _drawable(mode: Any) -> str | None:
    """All but 'poisson', whose draws depend on the image's values: they would have to be read on the host."""
    if isinstance(mode, str) and mode.lower() == "poisson":
        return "mode='poisson': NumPy's generator needs the image's values on the host"
    return None


@limits(mode=_drawable)
@traits(differentiable=True)
def random_noise(
    image: Array, mode: str = "gaussian", rng: Any = None, clip: bool = True, **kwargs: Any
) -> Array:
    """Add random noise to an image: ``skimage.util.random_noise``.

    Parameters
    ----------
    image : array, any shape
        Integers are scaled to their dtype's range.
    mode : {"gaussian", "localvar", "salt", "pepper", "s&p", "speckle"}
        A normal distribution; one with a variance for each element; elements that become 1, that become 0 (-1 if
        the image is negative somewhere), or both; the image times a normal distribution.
    rng : int, numpy.random.Generator or None
        What decides the noise: it is drawn on the host and moved to the image's device.
    clip : bool, default True
        Whether the result is kept between 0 (-1 if the image is negative somewhere) and 1.
    **kwargs
        ``mean=0.0`` and ``var=0.01`` of a normal distribution; ``local_vars``, an array, of mode "localvar";
        ``amount=0.05``, the share of elements that are replaced, and ``salt_vs_pepper=0.5``, that of 1 among these.

    Returns
    -------
    array
        float64, or in the dtype of the floating image where elements are replaced.

    Raises
    ------
    KeyError
        If the mode is unknown.
    ValueError
        If a keyword is not one of the mode's, the image is empty, or a local variance isn't positive. Those on a
        device are read from there.
    """
    mode = mode.lower()
    if 0 in image.shape:
        raise ValueError("image: is empty, so it has no least value")
    positive = dtype_of(image).kind in "bu"
    image = img_as_float(image)
    xp = namespace(image)
    low = 0.0 if positive else xp.where(xp.min(image) < 0, -1.0, xp.zeros_like(image[(0,) * image.ndim]))
    if not positive and on_cpu(low):
        low = float(low)
    generator = np.random.default_rng(rng)
    for key in kwargs:
        if key not in _KEYWORDS[mode]:
            raise ValueError(f"{key} keyword not in allowed keywords {list(_KEYWORDS[mode])}")
    given = {**_KEYWORDS[mode], **kwargs}
    least = low if clip else None
    if "amount" in given:
        share: Any = {"salt": 1.0, "pepper": 0.0}.get(mode, given.get("salt_vs_pepper"))
        flipped, salted = (_chosen(generator, part, tuple(image.shape)) for part in (given["amount"], share))
        replaced = _replaced(image, from_host(flipped, image), from_host(salted, image), low)
        return _limited(replaced, least)
    if mode == "localvar":
        return _limited(as_dtype(image, "float64") + _local(image, given["local_vars"], generator), least)
    noise = from_host(generator.normal(given["mean"], given["var"] ** 0.5, tuple(image.shape)), image)
    return _added(image, noise, least, times=mode == "speckle")


@blockwise("image", "noise")
def _added(image: Array, noise: Array, least: Any, *, times: bool) -> Array:
    """The image with noise, or with noise that is multiplied by it, between a number and 1, or without limits."""
    image = as_dtype(image, "float64")
    return _between(image + noise * image if times else image + noise, least)


def _limited(image: Array, least: Any) -> Array:
    """The image between a number, or an array without dimensions, and 1; as it is without a least."""
    return image if least is None else _clipped(image, least)


@blockwise()
def _clipped(image: Array, least: Any) -> Array:
    return _between(image, least)


def _between(image: Array, least: Any) -> Array:
    if least is None:
        return image
    xp = namespace(image)
    if hasattr(least, "shape"):
        image, least = xp.maximum(image, as_dtype(least, dtype_of(image).name)), None
    return xp.clip(image, min=least, max=1.0)


def _replaced(image: Array, flipped: Array, salted: Array, low: Any) -> Array:
    """The image with flipped elements at the top of its range, where they are salted, or at the bottom."""
    xp = namespace(image)
    replaced = xp.where(salted, constant(1.0, image), constant(low, image))
    return xp.where(flipped, replaced, image)


def _chosen(generator: np.random.Generator, share: float, shape: tuple[int, ...]) -> np.ndarray:
    """Elements that come true with a probability; nothing is drawn if it is 0 or 1."""
    if share in (0, 1):
        return np.full(shape, share == 1)
    chosen = np.empty(shape, np.bool_)
    flat, drawn = chosen.reshape(-1), np.empty(_DRAWN)
    for start in range(0, flat.size, _DRAWN):
        part = flat[start : start + _DRAWN]
        np.less_equal(generator.random(out=drawn[: part.size]), share, out=part)
    return chosen


def _local(image: Array, variances: Any, generator: np.random.Generator) -> Array:
    """Normal noise of a variance for each element, in double precision."""
    if variances is None:
        deviation = float(np.asarray(0.01, dtype_of(image)) ** 0.5)
        return from_host(generator.normal(0, deviation, tuple(image.shape)), image)
    foreign = hasattr(variances, "shape") and not isinstance(variances, (np.ndarray, np.generic))
    if not foreign:
        variances = np.asarray(variances)
    if dtype_of(variances).kind != "f":
        variances = as_dtype(variances, "float64")
    xp = namespace(variances)
    if bool(xp.any(variances <= 0)):
        raise ValueError("All values of `local_vars` must be > 0.")
    deviations = as_dtype(variances**0.5, "float64")
    noise = generator.standard_normal(tuple(variances.shape))
    return (from_host(noise, image) if foreign else 1.0) * (
        deviations if foreign else from_host(noise * deviations, image)
    )
