"""Reinstall the packages of this workspace whose installation is older than their sources.

An editable install follows the modules of a package, but not what is written into the environment itself: its
entry points, and the files at the root of site-packages that run at the start of Python. Hatch looks at names
and dependencies only, so an environment made before such a change would test the old files. Run in the
environment: ``python hatch_members.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

ROOT = Path(__file__).resolve().parent


def main() -> int:
    """Reinstall what is stale, without its dependencies, which are hatch's work."""
    stale = [folder for dist in distributions() if (folder := _member(dist)) and _stale(dist, folder)]
    if not stale:
        return 0
    print("reinstalled, since entry points or startup files changed:", *(f.name for f in stale), flush=True)
    editable = [word for folder in stale for word in ("--editable", str(folder))]
    return subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *editable])


def _member(dist: Distribution) -> Path | None:
    origin = json.loads(dist.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return None
    folder = Path(url2pathname(urlsplit(origin["url"]).path))
    return folder if folder.is_relative_to(ROOT) else None


def _stale(dist: Distribution, folder: Path) -> bool:
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    declared = {(group, name, value) for group, names in groups.items() for name, value in names.items()}
    if declared != {(point.group, point.name, point.value) for point in dist.entry_points}:
        return True
    wheel = settings.get("tool", {}).get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    return any(
        not (there := Path(str(dist.locate_file(target)))).is_file()
        or there.read_bytes() != (folder / source).read_bytes()
        for source, target in wheel.get("force-include", {}).items()
    )


if __name__ == "__main__":
    sys.exit(main())
