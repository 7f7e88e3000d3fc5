"""The file of tests that are known to fail: read strictly, matched against what was collected.

.. code-block:: toml

    [[xfail]]
    test = "scipy/ndimage/tests/test_filters.py::TestThreading::test_*[torch-float16]"
    reason = "torch has no uint16 arithmetic"
    condition = { way = "type", settings = { host_kernels = false }, versions = { scipy = ">=1.17" } }

A star stands for any text and a question mark for one character; brackets are what they are.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import platform
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from .._discovery import installed_version
from .._environment import nearest

__all__ = ["Entry", "Facts", "XfailFileError", "module_of", "read", "unmatched"]

KEYS: Final = ("test", "reason", "condition")
CONDITIONS: Final = ("backend", "way", "device", "settings", "versions")


class XfailFileError(ValueError):
    """A file of known failures cannot be read, or means nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What conditions are about.

    Attributes
    ----------
    backend, way, device : str
    settings : mapping of str to object
        The backend's settings in force, those with their default values included.
    """

    backend: str
    way: str
    device: str
    settings: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of the file.

    Attributes
    ----------
    where : str
        File and number of the entry, as errors name it.
    tests : tuple of str
        Patterns of test ids.
    reason : str
    condition : mapping of str to object
        What has to hold for it to count.
    """

    where: str
    tests: tuple[str, ...]
    reason: str
    condition: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def matches(self, test: str) -> bool:
        """Whether it is about a test."""
        return any(_expression(pattern).fullmatch(test) for pattern in self.tests)

    def holds(self, facts: Facts) -> bool:
        """Whether it counts in this session.

        Raises
        ------
        XfailFileError
            If it names a setting that the backend lacks, or a distribution that isn't installed.
        """
        condition = self.condition
        for key in ("backend", "way", "device"):
            if key in condition and not fnmatch.fnmatchcase(getattr(facts, key), condition[key]):
                return False
        return self._settings_hold(facts) and all(
            self._version_holds(name, wanted) for name, wanted in condition.get("versions", {}).items()
        )

    def _settings_hold(self, facts: Facts) -> bool:
        wanted = self.condition.get("settings", {})
        for key in wanted:
            if key not in facts.settings:
                known = ", ".join(facts.settings) or "none"
                msg = f"{self.where}: backend {facts.backend!r} has no setting {key!r}; it has: {known}"
                raise XfailFileError(msg)
        return all(facts.settings[key] == value for key, value in wanted.items())

    def _version_holds(self, distribution: str, wanted: str) -> bool:
        python = distribution == "python"
        version = platform.python_version() if python else installed_version(distribution)
        if version is None:
            msg = f"{self.where}: the condition is about a version of {distribution}, which isn't installed; "
            raise XfailFileError(msg + "restrict the entry further, by backend for example")
        return SpecifierSet(wanted).contains(version, prereleases=True)


@functools.lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(c) or re.escape(c) for c in pattern), re.DOTALL)


def module_of(test: str) -> str:
    """The file that a test id or pattern begins with."""
    return test.partition("::")[0]


def unmatched(entries: Iterable[Entry], tests: Collection[str], modules: Iterable[str]) -> list[str]:
    """Complaints about patterns that match none of `tests`, of those about `modules`, collected as a whole."""
    complete = set(modules)
    missing = []
    for entry in entries:
        for pattern in entry.tests:
            here = any(_expression(module_of(pattern)).fullmatch(m) for m in complete)
            if here and not any(_expression(pattern).fullmatch(t) for t in tests):
                missing.append(f"{entry.where}: there is no test {pattern}; correct or remove it")
    return missing


# ---------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------


def read(path: Path) -> list[Entry]:
    """The entries of a file.

    Raises
    ------
    XfailFileError
        If the file cannot be read, or says anything that means nothing.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise XfailFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError among them
        raise XfailFileError(f"{path} is malformed: {error}") from error
    _check_keys(table, ("xfail",), str(path))
    entries = table.get("xfail", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise XfailFileError(f"{path}: write each entry as a table [[xfail]], got xfail = {entries!r}")
    return [_entry(e, f"{path.name}, entry {i}") for i, e in enumerate(entries, 1)]


def _entry(table: Mapping[str, Any], where: str) -> Entry:
    _check_keys(table, KEYS, where)
    tests = table.get("test")
    tests = [tests] if isinstance(tests, str) else tests
    if not isinstance(tests, list) or not tests or not all(isinstance(t, str) for t in tests):
        raise XfailFileError(f"{where}: test must be a test id or a list of them, got {tests!r}")
    for test in tests:
        if "::" not in test:
            msg = (
                f"{where}: {test!r} is no test id; one looks like package/tests/test_x.py::test_y[parameter]"
            )
            raise XfailFileError(msg)
    where = f"{where} ({tests[0]}{', …' if len(tests) > 1 else ''})"
    reason = table.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise XfailFileError(f"{where}: give the reason why it fails, got {reason!r}")
    condition = table.get("condition", {})
    _check_condition(condition, where)
    return Entry(where, tuple(tests), reason.strip(), condition)


def _check_condition(condition: Any, where: str) -> None:
    if not isinstance(condition, dict):
        raise XfailFileError(f"{where}: condition must be a table, got {condition!r}")
    _check_keys(condition, CONDITIONS, f"{where}, condition")
    for key, value in condition.items():
        if key in ("settings", "versions"):
            if not isinstance(value, dict):
                raise XfailFileError(f"{where}: condition.{key} must be a table, got {value!r}")
        elif not isinstance(value, str):
            raise XfailFileError(f"{where}: condition.{key} must be a text, got {value!r}")
    if condition.get("way", "type") not in ("type", "selection"):
        raise XfailFileError(f"{where}: condition.way is type or selection, got {condition['way']!r}")
    for distribution, wanted in condition.get("versions", {}).items():
        try:
            SpecifierSet(wanted)
        except (InvalidSpecifier, TypeError, AttributeError) as error:
            msg = (
                f"{where}: condition.versions.{distribution} must be a range such as '>=1.17', got {wanted!r}"
            )
            raise XfailFileError(msg) from error


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            near = nearest(key, known)
            hint = f" Did you mean {near!r}?" if near else ""
            raise XfailFileError(f"{where}: there is no key {key!r}.{hint} The keys are {', '.join(known)}")
