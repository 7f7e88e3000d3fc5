"""PyTorch implementations for array dispatch, on any device that torch has.

Importing this package doesn't import torch: the modules with kernels are imported when a call arrives.
"""

from dispatch_core import Backend

from ._version import __version__

__all__ = ["__version__", "backend"]

backend = Backend(
    name="torch",
    families=("torch:Tensor",),
    implements={
        "scipy.ndimage": "dispatch_torch.scipy.ndimage",
        "skimage.color": "dispatch_torch.skimage.color",
        "skimage.metrics": "dispatch_torch.skimage.metrics",
        "skimage.transform": "dispatch_torch.skimage.transform",
        "skimage.util": "dispatch_torch.skimage.util",
        "sklearn.cluster": "dispatch_torch.sklearn.cluster",
        "sklearn.linear_model": "dispatch_torch.sklearn.linear_model",
    },
    requires={"torch": ">=2.6", "scipy": ">=1.16"},
    host="dispatch_torch._host:TorchHost",
    host_flag="is_cpu",
    array_api=True,
    settings={"host_kernels": True},  # False: device kernels everywhere, as on a GPU
    min_size=65_536,  # about where it breaks even with SciPy on two cores: benchmarks/bench_ndimage.py --size 256
)
