"""The cheap question of every interpreter start: could dispatch be switched on here? PYTEST_DONT_REWRITE"""
# (That word spares pytest a warning: a module of a plugin's distribution that is there before its hook.)
#
# ``dispatch_startup.pth`` calls `main` on Python 3.14 and earlier, ``dispatch_startup.start`` on 3.15 and
# later, where the ``.start`` file disables the import line of the ``.pth`` file beside it (PEP 829).
#
# What must stay true:
#
# - Nothing is imported but `os` and `sys`, which every interpreter has loaded by now; not even ``__future__``.
#   What seldom runs stands in `dispatch_startup_on`, and long texts stand in comments: reading this file is
#   a third of what the question costs.
# - The answer is no only if ``dispatch_core._config.load`` would find nothing that was said to dispatch. A yes
#   may be wrong and costs time only: what was said is read by that module, which takes its files from here.
# - No question raises, whatever the environment and the folders are like.

import os
import sys

OFF = ("0", "false", "off")
OWN_FILE = "dispatch.toml"
SHARED_FILE = "pyproject.toml"

_called = False


def main() -> None:
    """Ask, and switch on where the answer is yes."""
    # Only the first call in a process counts: in virtual environments site reads each .pth file twice
    # (CPython 3.11 to 3.13).
    global _called
    if _called:
        return
    _called = True
    if not sys.flags.isolated and asked():
        from dispatch_startup_on import switch_on

        switch_on()


def asked() -> bool:
    """Whether anything was said to dispatch by the environment or a file, ``DISPATCH=0`` apart."""
    if not sys.flags.ignore_environment and "DISPATCH" in " ".join(os.environ):
        switch = os.environ.get("DISPATCH")
        if switch is not None:
            return not means_off(switch)
        for name in os.environ:
            if name.startswith("DISPATCH_"):
                return True
    for path in user_files():
        if os.path.isfile(path):
            return True
    return bool(project_files())


def means_off(switch: str) -> bool:
    """Whether a value of ``DISPATCH`` turns everything off."""
    return switch.strip().lower() in OFF


def user_files() -> list[str]:
    """The paths where the user's file may be."""
    # ``platformdirs.user_config_path("dispatch", appauthor=False)`` without its imports.
    if sys.platform == "linux":
        folder, home = os.environ.get("XDG_CONFIG_HOME", ""), os.environ.get("HOME", "")
        if folder.startswith("/"):
            return [os.path.join(folder, "dispatch/config.toml")]
        if home.startswith("/"):
            return [os.path.join(home, ".config/dispatch/config.toml")]
    from dispatch_startup_on import all_user_files

    return all_user_files()


def project_files(folder: str | None = None) -> list[str]:
    """The files of the project around a folder (the current one), those of the nearest folder that has any."""
    # ``dispatch.toml`` comes first. A ``pyproject.toml`` counts if a line looks like the start of our table.
    try:
        folder = os.getcwd() if folder is None else folder
    except OSError:  # the current folder was removed
        return []
    while True:
        own, shared = os.path.join(folder, OWN_FILE), os.path.join(folder, SHARED_FILE)
        found = [own] if os.path.isfile(own) else []
        if os.path.isfile(shared) and _mentions(shared):
            from dispatch_startup_on import has_table

            if has_table(shared):
                found.append(shared)
        parent = os.path.dirname(folder)
        if found or parent == folder:
            return found
        folder = parent


def _mentions(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return b"dispatch" in file.read()
    except OSError:
        return False
