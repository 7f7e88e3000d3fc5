"""``explain``: the decision of a call, asked for and not acted on.

The decision is `_routes.decide` under the options in force, as in a call; nothing else is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._dispatchable import Dispatchable
from ._namespaces import find
from ._options import current_options
from ._routes import Route, decide

__all__ = ["explain"]


def explain(function: Callable[..., Any] | str, /, *args: Any, **kwargs: Any) -> Route:
    """Who would run a call, and why others would not, without running it.

    Parameters
    ----------
    function : callable or str
        A dispatchable function, rerouted, explicit or the library's own, or its public name.
    *args, **kwargs
        The arguments of the call.

    Returns
    -------
    Route
        The decision under the options in force here. It prints as a few lines; ``route.error`` is what the
        call would raise for want of an implementation.

    Raises
    ------
    DispatchError
        If no installed plugin declares the function.
    TypeError
        If the function would reject the arguments as they are given.
    ConfigError, BackendError
        As the call would, where the options name a device that is absent or a backend that is broken.

    Examples
    --------
    >>> import numpy as np
    >>> from dispatch_core import explain
    >>> print(explain("scipy.ndimage.sobel", np.ones((4, 4))))
    scipy.ndimage.sobel: native (native), numpy arrays
    """
    found = find(function)
    return decide(found, _bind(found, args, kwargs), current_options())


def _bind(function: Dispatchable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    try:
        return function.bind(args, kwargs)
    except TypeError as error:
        msg = f"{function.name}() {error}"
        raise TypeError(msg) from None
