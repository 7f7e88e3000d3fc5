"""The environments `core.py3.x` run on the interpreters that this machine has; the others are left out.

Hatch would download a missing interpreter, and stop where it can't. Found are: ``python3.x`` on the PATH, if
it starts (pyenv's shims for versions that aren't switched on don't), and what pyenv has installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from hatch.env.collectors.plugin.interface import EnvironmentCollectorInterface


class FoundPythons(EnvironmentCollectorInterface):
    """Resolves the matrix of the environment `core` to interpreters."""

    def finalize_environments(self, config: dict[str, dict]) -> dict[str, dict]:
        """Set each matrix entry's interpreter; drop those without one."""
        for name in [n for n in config if n.startswith("core.py")]:
            python = _find(config[name]["python"])
            if python is None:
                del config[name]
            else:
                config[name]["python"] = python
        return config


def _find(version: str) -> str | None:
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{version}")]
    candidates += sorted(map(str, root.glob(f"versions/{version}.*/bin/python")), reverse=True)
    return next((c for c in candidates if c and _starts(c, version)), None)


def _starts(python: str, version: str) -> bool:
    try:
        run = subprocess.run([python, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return False
    return run.returncode == 0 and f" {version}." in run.stdout
