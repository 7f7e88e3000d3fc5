"""Arrays of array_api_strict, a third family beside NumPy's and torch's, for tests of portable implementations."""

from dispatch_core import Backend

__all__ = ["backend"]

backend = Backend(
    name="strict",
    families=("array_api_strict._array_object:Array",),
    implements={"scipy.ndimage": "dispatch_strict.ndimage"},
    host="dispatch_strict._host:StrictHost",
    array_api=True,
)
