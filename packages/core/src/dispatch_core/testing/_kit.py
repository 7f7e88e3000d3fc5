"""What a backend's test file uses: `conformance` makes a pytest test, `check_function` runs without pytest.

Needs hypothesis, NumPy and pytest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import hypothesis
import numpy as np
import pytest

from .. import _discovery
from .._backend import HostAdapter
from .._discovery import Entry
from .._dispatchable import Dispatchable
from .._errors import BackendError, ConfigError
from .._namespaces import find
from .._options import using
from ._cases import Case, cases_of
from ._check import check_call
from ._recipes import Call
from ._report import WAYS, Nonconformance, Target, Way

__all__ = ["check_function", "conformance", "to_backend"]

#: Calls drawn for each function and way where the hypothesis profile doesn't say otherwise.
EXAMPLES: Final = 60
#: Calls drawn for a function that the backend lacks: every one is refused.
REFUSALS: Final = 3
#: Environment variable that names a registered hypothesis profile.
PROFILE: Final = "HYPOTHESIS_PROFILE"

_SUPPRESSED: Final = (hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.differing_executors)
#: Without "explain", which traces every line of a failing call.
_PHASES: Final = tuple(p for p in hypothesis.Phase if p is not hypothesis.Phase.explain)

hypothesis.settings.register_profile("quick", max_examples=20)
hypothesis.settings.register_profile("thorough", max_examples=2000)


def to_backend(backend: str, array: np.ndarray, *, device: str = "cpu", write: bool = False) -> Any:
    """A backend's own array for a NumPy array.

    Parameters
    ----------
    backend : str
        Name of an installed backend with a host adapter.
    array : numpy.ndarray
    device : str
        What `dispatch_core.using` takes as ``device``.
    write : bool
        Whether the array will be written to.

    Raises
    ------
    BackendError
        If there is no such backend, or it has no host adapter.
    """
    adapter = _adapter(_entry(backend))
    return adapter.from_host(array, adapter.device(device), write=write)[0]


def check_function(
    backend: str,
    function: str,
    way: Way,
    *,
    device: str = "cpu",
    required: bool = False,
    shares_memory: bool = True,
    examples: int = EXAMPLES,
    settings: hypothesis.settings | None = None,
) -> None:
    """Draw calls of a function and compare a backend with the library's own function.

    Parameters
    ----------
    backend : str
        Name of an installed backend.
    function : str
        Public name, ``"scipy.ndimage.sobel"``.
    way : {"type", "selection"}
        The backend's own arrays in and out, or NumPy arrays with the backend selected.
    device : str
        Where.
    required : bool
        Whether a missing implementation is a failure. Otherwise it has to be refused with a clear error.
    shares_memory : bool
        Whether the backend views the memory of NumPy arrays on the CPU; then nothing may be copied.
    examples : int
        How many calls are drawn where the profile doesn't say otherwise.
    settings : hypothesis.settings, optional
        Default: those of the profile in force, see `conformance`.

    Raises
    ------
    Nonconformance
        For the simplest call found that differs.
    BackendError
        If the backend cannot be used, or no calls are declared for the function.
    """
    dispatchable = find(function)
    entry = _entry(backend)
    target = Target(
        function=dispatchable,
        entry=entry,
        adapter=_adapter(entry),
        case=_case(dispatchable),
        way=way,
        device=_adapter(entry).device(device),
        shares_memory=shares_memory,
    )
    if target.implementation is None and required:
        found = dispatchable.implementation_for(entry) or f"backend {backend!r} has none"
        raise Nonconformance("missing", f"{function} is expected to be implemented: {found}")
    _drawn(target, settings or _settings(target, examples))()


def _entry(backend: str) -> Entry[Any]:
    entry = _discovery.backend_entries().get(backend)
    if entry is None:
        known = ", ".join(_discovery.backend_entries()) or "none"
        raise BackendError(f"no backend {backend!r} is installed; installed: {known}")
    entry.require()
    return entry


def _adapter(entry: Entry[Any]) -> HostAdapter:
    adapter = _discovery.adapter_of(entry)
    if adapter is None:
        msg = f"backend {entry.name!r} has no host adapter, which the kit needs to make its arrays; "
        raise BackendError(msg + "declare one as Backend(host='module:class')")
    return adapter


def _case(function: Dispatchable) -> Case:
    cases = cases_of(function.namespace)
    if function.name not in cases:
        raise BackendError(f"no calls are declared for {function.qualified}: its plugin's CASES lack it")
    return cases[function.name]


def _settings(target: Target, examples: int) -> hypothesis.settings:
    profile = os.environ.get(PROFILE)
    base = hypothesis.settings.get_profile(profile) if profile else hypothesis.settings()
    usual = hypothesis.settings.get_profile("default").max_examples
    count = base.max_examples if base.max_examples != usual else examples
    count = count if target.implementation else min(count, REFUSALS)
    return hypothesis.settings(
        base, max_examples=count, deadline=None, suppress_health_check=_SUPPRESSED, phases=_PHASES
    )


def _drawn(target: Target, settings: hypothesis.settings) -> Callable[[], None]:
    def check(call: Call) -> None:
        check_call(target, call)

    # Hypothesis keys its database by the function's name: one key for each target.
    check.__name__ = f"check_{target.entry.name}_{target.function.qualified.replace('.', '_')}_{target.way}"
    drawn: Callable[[], None] = settings(hypothesis.given(call=target.case.calls)(check))
    return drawn


def conformance(
    backend: str,
    namespace: str,
    *,
    implemented: Iterable[str] = (),
    functions: Iterable[str] | None = None,
    devices: Iterable[str] = ("cpu",),
    ways: Iterable[Way] = WAYS,
    shares_memory: bool = True,
    options: Mapping[str, Any] | None = None,
    examples: int = EXAMPLES,
    settings: hypothesis.settings | None = None,
) -> Callable[..., None]:
    """A pytest test that compares a backend with a library: one test for each function, way and device.

    Every function of the namespace that calls are declared for is checked: by type dispatch and by selection,
    values within the declared tolerance, dtype, shape, device, ``output``, errors, declared limits, and that
    nothing is converted on the way. Functions that the backend lacks must be refused with a clear error.

    Transfers to the host are seen by patching methods of the array class while a call runs. A class that cannot
    be patched needs a host adapter with a method ``watch(report)``, see `dispatch_core.testing._watch`.

    Parameters
    ----------
    backend : str
        Name of an installed backend that has a host adapter.
    namespace : str
        The library's namespace, ``"scipy.ndimage"``.
    implemented : iterable of str
        Functions that the backend must have.
    functions : iterable of str, optional
        The functions to check. Default: all that calls are declared for.
    devices : iterable of str
        Devices to run on; one that this machine lacks is skipped with the reason.
    ways : iterable of {"type", "selection"}
    shares_memory : bool
        Whether the backend views the memory of NumPy arrays on the CPU; then nothing may be copied.
    options : mapping, optional
        What `dispatch_core.using` takes by name, in force for every call:
        ``{"settings": {"torch": {"host_kernels": False}}}``.
    examples : int
        How many calls are drawn for each function and way where the profile doesn't say otherwise.
    settings : hypothesis.settings, optional
        Default: the profile that the environment variable ``HYPOTHESIS_PROFILE`` names, else the one in force
        (pytest's ``--hypothesis-profile``). The kit registers ``"quick"`` and ``"thorough"``.

    Returns
    -------
    callable
        Assign it to a name that starts with ``test``.

    Raises
    ------
    BackendError
        If no installed plugin declares calls for the namespace.

    Examples
    --------
    A backend's test file::

        from dispatch_core.testing import conformance

        test_ndimage = conformance("torch", "scipy.ndimage", implemented=["sobel", "laplace"])
    """
    required = frozenset(implemented)
    names = list(cases_of(namespace)) if functions is None else list(functions)
    unknown = (required | set(names)) - set(cases_of(namespace))
    if unknown:
        raise BackendError(f"no calls are declared for {', '.join(sorted(unknown))} of {namespace}")

    @pytest.mark.parametrize("device", list(devices))
    @pytest.mark.parametrize("way", list(ways))
    @pytest.mark.parametrize("name", names)
    def test(name: str, way: Way, device: str) -> None:
        try:
            _adapter(_entry(backend)).device(device)
        except ConfigError as error:
            pytest.skip(str(error))
        with using(**(options or {})):
            check_function(
                backend,
                f"{namespace}.{name}",
                way,
                device=device,
                required=name in required,
                shares_memory=shares_memory,
                examples=examples,
                settings=settings,
            )

    return test
