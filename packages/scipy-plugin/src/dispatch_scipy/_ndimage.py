"""The public functions of ``scipy.ndimage`` and the arguments whose types decide.

Names follow SciPy 1.17. Numbers, dtypes and callables among these arguments take no part, so ``output`` is
listed although it may be a dtype, and ``index`` although it is often a number.
"""

from dispatch_core import Function

__all__ = ["FUNCTIONS"]


def _filter(name: str, *arrays: str) -> Function:
    """A function of an image and further arrays that can write its result into ``output``."""
    return Function(name, ("input", *arrays, "output"), writes=("output",))


def _measurement(name: str) -> Function:
    """A reduction over labelled regions; its shape is that of ``index``."""
    return Function(name, ("input", "labels", "index"), scalars=True)


FUNCTIONS = (
    # filters
    _filter("convolve", "weights"),
    _filter("convolve1d", "weights"),
    _filter("correlate", "weights"),
    _filter("correlate1d", "weights"),
    _filter("gaussian_filter"),
    _filter("gaussian_filter1d"),
    _filter("gaussian_gradient_magnitude"),
    _filter("gaussian_laplace"),
    _filter("generic_filter", "footprint"),
    _filter("generic_filter1d"),
    _filter("generic_gradient_magnitude"),
    _filter("generic_laplace"),
    _filter("laplace"),
    _filter("maximum_filter", "footprint"),
    _filter("maximum_filter1d"),
    _filter("median_filter", "footprint"),
    _filter("minimum_filter", "footprint"),
    _filter("minimum_filter1d"),
    _filter("percentile_filter", "footprint"),
    _filter("prewitt"),
    _filter("rank_filter", "footprint"),
    _filter("sobel"),
    _filter("uniform_filter"),
    _filter("uniform_filter1d"),
    _filter("vectorized_filter", "footprint"),
    # Fourier filters
    _filter("fourier_ellipsoid"),
    _filter("fourier_gaussian"),
    _filter("fourier_shift"),
    _filter("fourier_uniform"),
    # interpolation
    _filter("affine_transform", "matrix"),
    _filter("geometric_transform"),
    _filter("map_coordinates", "coordinates[]"),
    _filter("rotate"),
    _filter("shift"),
    _filter("spline_filter"),
    _filter("spline_filter1d"),
    _filter("zoom"),
    # morphology
    _filter("binary_closing", "structure", "mask"),
    _filter("binary_dilation", "structure", "mask"),
    _filter("binary_erosion", "structure", "mask"),
    _filter("binary_fill_holes", "structure"),
    _filter("binary_hit_or_miss", "structure1", "structure2"),
    _filter("binary_opening", "structure", "mask"),
    _filter("binary_propagation", "structure", "mask"),
    _filter("black_tophat", "footprint", "structure"),
    Function("distance_transform_bf", ("input", "distances", "indices"), writes=("distances", "indices")),
    Function("distance_transform_cdt", ("input", "distances", "indices"), writes=("distances", "indices")),
    Function("distance_transform_edt", ("input", "distances", "indices"), writes=("distances", "indices")),
    Function("generate_binary_structure"),
    _filter("grey_closing", "footprint", "structure"),
    _filter("grey_dilation", "footprint", "structure"),
    _filter("grey_erosion", "footprint", "structure"),
    _filter("grey_opening", "footprint", "structure"),
    Function("iterate_structure", ("structure",)),
    _filter("morphological_gradient", "footprint", "structure"),
    _filter("morphological_laplace", "footprint", "structure"),
    _filter("white_tophat", "footprint", "structure"),
    # measurements
    _measurement("center_of_mass"),
    _measurement("extrema"),
    Function("find_objects", ("input",), lazy_safe=False),
    Function("histogram", ("input", "labels", "index")),
    _filter("label", "structure"),
    Function("labeled_comprehension", ("input", "labels", "index"), lazy_safe=False, scalars=True),
    _measurement("maximum"),
    _measurement("maximum_position"),
    _measurement("mean"),
    _measurement("median"),
    _measurement("minimum"),
    _measurement("minimum_position"),
    _measurement("standard_deviation"),
    _measurement("sum"),
    _measurement("sum_labels"),
    Function("value_indices", ("arr",), lazy_safe=False),
    _measurement("variance"),
    _filter("watershed_ift", "markers", "structure"),
)
