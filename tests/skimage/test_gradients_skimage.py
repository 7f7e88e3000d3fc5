"""What is declared differentiable is: `gradcheck` of every such function that is called with images alone."""

import inspect

import numpy as np
import pytest
from dispatch_core._namespaces import dispatchables
from dispatch_skimage import plugin

torch = pytest.importorskip("torch", reason="gradients are torch's")

#: What some functions need besides an image, or instead of what the others get.
OPTIONS = {
    "butterworth": {"cutoff_frequency_ratio": 0.2},
    "combine_stains": {"conv_matrix": np.array([[0.65, 0.7, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])},
    "convert_colorspace": {"fromspace": "RGB", "tospace": "YUV"},
    "separate_stains": {"conv_matrix": np.array([[1.9, -1.0, -0.5], [-0.1, 1.1, -0.1], [-0.6, -0.5, 1.6]])},
    "crop": {"crop_width": 1},
    "difference_of_gaussians": {"low_sigma": 1.0},
    "downscale_local_mean": {"factors": 2},
    "filter_forward": {"impulse_response": lambda r, c: np.exp(-np.hypot(r, c))},
    "filter_inverse": {"impulse_response": lambda r, c: np.exp(-np.hypot(r, c))},
    "wiener": {"impulse_response": lambda r, c: np.exp(-np.hypot(r, c))},
    "frangi": {"sigmas": (1,), "gamma": 1.0},
    "gabor": {"frequency": 0.3},
    "hessian": {"sigmas": (1,)},
    "integrate": {"start": (1, 1), "end": (3, 3)},
    "meijering": {"sigmas": (1,)},
    "sato": {"sigmas": (1,)},
    "pyramid_gaussian": {"max_layer": 1},
    "pyramid_laplacian": {"max_layer": 1},
    "random_noise": {"rng": 0},
    "rescale": {"scale": 1.5},
    "resize": {"output_shape": (5, 9)},
    "resize_local_mean": {"output_shape": (5, 3)},
    "rotate": {"angle": 20},
    "slice_along_axes": {"slices": [(1, 3)]},
    "structural_similarity": {"data_range": 1.0, "win_size": 3},
    "peak_signal_noise_ratio": {"data_range": 1.0},
    "threshold_local": {"block_size": 3},
    "threshold_niblack": {"window_size": 3},
    "threshold_sauvola": {"window_size": 3, "r": 0.5},
    "view_as_blocks": {"block_shape": (2, 3)},
    "view_as_windows": {"window_shape": (2, 3), "step": (2, 3)},
    "warp": {"inverse_map": torch.tensor([[0.9, 0.1, 0.5], [-0.1, 1.1, 0.2], [0.0, 0.001, 1.0]])},
}
#: Called with more than images, and tested where the other tests of their namespace are.
ELSEWHERE = {"correlate_sparse", "label2rgb", "map_array", "matrix_transform", "montage", "optical_flow_ilk"}
CHANNELS = {"gray2rgb": (4, 6), "gray2rgba": (4, 6), "rgba2rgb": (3, 2, 4)}
DIFFERENTIABLE = [
    function
    for namespace in plugin.portable
    for function in dispatchables(namespace).values()
    if (portable := function.portable()) is not None
    and portable.traits.differentiable
    and function.declaration.owner is None
    and function.name not in ELSEWHERE
    and function.name != "img_as_float32"  # finite differences need double precision
]


@pytest.mark.parametrize("function", DIFFERENTIABLE, ids=lambda f: f.qualified.removeprefix("skimage."))
def test_gradients(function):
    shape = CHANNELS.get(function.name, (3, 2, 3) if function.namespace == "skimage.color" else (4, 6))
    rng = np.random.default_rng(1)
    options = OPTIONS.get(function.name, {})
    images = [
        torch.from_numpy(0.2 + 0.6 * rng.random(shape)).requires_grad_()
        for name, parameter in function.signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        and name not in options
    ]

    def call(*arrays):
        result = function.explicit(*arrays, **options)
        parts = list(result) if inspect.isgenerator(result) or isinstance(result, tuple) else [result]
        return tuple(part for part in parts if part.requires_grad)

    assert call(*images), "nothing depends on the image"
    assert torch.autograd.gradcheck(call, images, fast_mode=True, atol=1e-4)
