"""How the documentation is built: ``hatch run docs``, or ``sphinx-build -W docs docs/_build/html``."""

import json
import re
from pathlib import Path

import dispatch_core
from sphinx.application import Sphinx

project = "dispatch"
author = "the dispatch developers"
release = version = dispatch_core.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_parser",
    "numpydoc",
    "dispatch_core.sphinxext",
]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 2
default_role = "py:obj"
exclude_patterns = ["_build"]

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = "dispatch"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
html_show_sourcelink = False

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _speed_table(name: str) -> str:
    figures = json.loads((RESULTS / name).read_text())
    head = ["call", "kernel", "selected", "on tensors"]
    rivals = any("rival" in row for row in figures["rows"])
    head += ["rival"] if rivals else []
    lines = [f"{figures['title']}.", "", _row(head), _row(["---"] * len(head))]
    for row in figures["rows"]:
        ratios = [f"{row['library'] / row[way]:.2f}" for way in ("selected", "tensor")]
        if rivals:
            ratios.append(f"{row['rival'] / row['selected']:.2f}" if "rival" in row else "")
        lines.append(_row([row["call"], row["kernel"], *ratios]))
    means = [f"**{mean:.2f}**" for mean in figures["geometric_mean"].values()]
    return "\n".join([*lines, _row(["geometric mean over the functions", "", *means])])


def _memory_table(name: str) -> str:
    figures = json.loads((RESULTS / name).read_text())
    head = [f"{figures['dtype']} {figures['shape']}.", "", _row(["call", "SciPy", "torch", "device kernels"])]
    rows = [
        _row([row["call"], *(f"{row[kind]:.1f}" for kind in ("scipy", "torch", "device"))])
        for row in figures["rows"]
    ]
    return "\n".join([*head, _row(["---"] * 4), *rows])


TABLES = {"speed": _speed_table, "memory": _memory_table}


def _fill_tables(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the committed figures where a page says ``<!-- table: speed NAME.json -->``."""
    source[0] = re.sub(r"<!-- table: (\w+) (\S+) -->", lambda m: TABLES[m[1]](m[2]), source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", _fill_tables)
