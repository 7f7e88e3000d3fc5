"""What a start of the interpreter seldom needs: the rest of the question, and what follows a yes.

A module beside `dispatch_startup`, which imports it, since dispatch_core cannot be imported before site has read
every path file. What must stay true: nothing here raises, and nothing is imported that every start hasn't loaded
but `dispatch_core` itself, once it is known that the answer is yes. PYTEST_DONT_REWRITE, as there.
"""

import os
import sys


def all_user_files() -> list[str]:
    """The paths where the user's file may be, on any system.

    Several where releases of platformdirs differ (they heed ``XDG_CONFIG_HOME`` on macOS only lately).
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


def has_table(path: str) -> bool:
    """Whether a line of a ``pyproject.toml`` looks like the start of our table."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return False
    # The spellings TOML has: [tool.dispatch], tool.dispatch.log = "off"; below [tool] dispatch = {} and
    # dispatch.log = "off"; and tool = {}. A byte order mark is left to the parser, which refuses it.
    beginnings = (b"tool.dispatch", b"dispatch.", b"dispatch={", b"tool={")
    lines = content.splitlines()
    return any(line.translate(None, b" \t\"'[\xef\xbb\xbf").startswith(beginnings) for line in lines)


def switch_on() -> None:
    """Switch on now, or when site has read every path file."""
    if _reading_paths() and "sitecustomize" not in sys.modules:
        sys.meta_path.insert(0, _AfterPaths())
    else:
        _start()


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
