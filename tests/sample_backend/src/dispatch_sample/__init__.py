"""The declaration of the backend.

It is loaded whenever dispatching starts, so it imports nothing heavy: array classes and modules are strings.
"""

from dispatch_core import Backend

__all__ = ["backend"]

backend = Backend(
    name="sample",
    # Which array classes calls are dispatched on.
    families=("dispatch_sample._arrays:SampleArray",),
    # Library namespace -> the module that mirrors it.
    implements={"scipy.ndimage": "dispatch_sample.ndimage"},
    # A library out of range switches off what is implemented for it; `dispatch status` says so.
    requires={"scipy": ">=1.16"},
    # What `using("sample")` needs: how NumPy arrays get in and out.
    host="dispatch_sample._arrays:SampleHost",
    # (rtol, atol) of float results; integers are always equal. Sums are made in double here.
    tolerance={"float32": (1e-6, 1e-6), "float64": (1e-12, 1e-12)},
)
