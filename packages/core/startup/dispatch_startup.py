"""The cheap question of every interpreter start: could dispatch be switched on here?

``dispatch_startup.pth`` calls `main` on Python 3.14 and earlier, ``dispatch_startup.start`` on 3.15 and
later, where the ``.start`` file disables the import line of the ``.pth`` file beside it (PEP 829).

What must stay true:

- Nothing is imported but `os` and `sys`, which every interpreter has loaded by now; not even ``__future__``.
- The answer is no only if ``dispatch_core._config.load`` would find nothing that was said to dispatch. A yes
  may be wrong and costs time only: what was said is read by that module, which takes its files from here.
- No question raises, whatever the environment and the folders are like.
"""

import os
import sys

OFF = ("0", "false", "off")
OWN_FILE = "dispatch.toml"
SHARED_FILE = "pyproject.toml"


_called = False


def main() -> None:
    """Ask, and switch on where the answer is yes; only the first call in a process counts.

    In virtual environments site reads each .pth file twice (CPython 3.11 to 3.13).
    """
    global _called
    if _called:
        return
    _called = True
    if sys.flags.isolated or not asked():
        return
    if _reading_paths() and "sitecustomize" not in sys.modules:
        sys.meta_path.insert(0, _AfterPaths())
    else:
        _start()


def asked() -> bool:
    """Whether anything was said to dispatch by the environment or a file, ``DISPATCH=0`` apart."""
    if not sys.flags.ignore_environment:
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
    """The paths where the user's file may be.

    This is ``platformdirs.user_config_path("dispatch", appauthor=False)`` without its imports. Several paths
    where releases of platformdirs differ (they heed ``XDG_CONFIG_HOME`` on macOS only lately).
    """
    if sys.platform == "win32":
        folders = [os.environ.get("WIN_PD_OVERRIDE_LOCAL_APPDATA"), os.environ.get("LOCALAPPDATA")]
    else:
        folders = [os.environ.get("XDG_CONFIG_HOME")]
        if sys.platform == "darwin":
            folders.append(os.path.join(_home(), "Library/Application Support"))
        elif not os.path.isabs(folders[0] or ""):
            folders.append(os.path.join(_home(), ".config"))
    return [os.path.join(f, "dispatch", "config.toml") for f in folders if f and os.path.isabs(f)]


def _home() -> str:
    home = os.environ.get("HOME", "")
    if not os.path.isabs(home):
        try:
            import pwd

            home = pwd.getpwuid(os.getuid()).pw_dir
        except (ImportError, KeyError):  # a user without an entry, as in many containers
            home = ""
    return home


def project_files(folder: str | None = None) -> list[str]:
    """The files of the project around a folder (the current one), those of the nearest folder that has any.

    ``dispatch.toml`` comes first. A ``pyproject.toml`` counts if a line looks like the start of our table.
    """
    try:
        folder = os.getcwd() if folder is None else folder
    except OSError:  # the current folder was removed
        return []
    while True:
        own, shared = os.path.join(folder, OWN_FILE), os.path.join(folder, SHARED_FILE)
        found = [own] if os.path.isfile(own) else []
        if os.path.isfile(shared) and _has_table(shared):
            found.append(shared)
        parent = os.path.dirname(folder)
        if found or parent == folder:
            return found
        folder = parent


def _has_table(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return False
    if b"dispatch" not in content:
        return False
    # The spellings TOML has: [tool.dispatch], tool.dispatch.log = "off"; below [tool] dispatch = {} and
    # dispatch.log = "off"; and tool = {}. A byte order mark is left to the parser, which refuses it.
    beginnings = (b"tool.dispatch", b"dispatch.", b"dispatch={", b"tool={")
    lines = content.splitlines()
    return any(line.translate(None, b" \t\"'[\xef\xbb\xbf").startswith(beginnings) for line in lines)


class _AfterPaths:
    """Switches on when site has read every .pth file, since later ones may bring more plugins and backends.

    site then imports sitecustomize, which every start does whether there is such a module or not.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "sitecustomize":
            sys.meta_path.remove(self)
            _start()


def _reading_paths() -> bool:
    """Whether site is reading .pth files for an interpreter that starts, not for a call of addsitedir."""
    frame = sys._getframe().f_back
    while frame is not None:
        if frame.f_code.co_name == "main" and frame.f_globals.get("__name__") == "site":
            return True
        frame = frame.f_back
    return False


def _start() -> None:
    try:
        from dispatch_core._startup import start

        start()
    except Exception as error:  # noqa: BLE001  (a broken installation must not stop the interpreter)
        if sys.stderr is not None:
            msg = "dispatch was to be switched on, but its installation is broken"
            print(f"{msg}: {type(error).__name__}: {error}", file=sys.stderr)
