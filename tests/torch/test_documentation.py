"""The documentation says what is so: its Python runs, and its figures are those of the support table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dispatch_core import disable, support
from dispatch_core._options import get_base, set_base

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/index.md", "docs/guide.md"]
PAGES += [f"packages/{name}/README.md" for name in ("core", "scipy-plugin", "torch-backend")]


@pytest.fixture(autouse=True)
def _as_before():
    base = get_base()
    yield
    disable()
    set_base(base)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page, capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    scope = {}
    for block in blocks:
        exec(compile(block, page, "exec"), scope)


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "packages/torch-backend/README.md"])
def test_the_number_of_functions_is_right(page):
    rows = [r for r in support("scipy.ndimage.*") if r.backend == "torch"]
    there = sum(r.status in ("full", "limited") for r in rows)
    text = (ROOT / page).read_text()
    stated = [tuple(map(int, m)) for m in re.findall(r"(\d+) of the (\d+) functions", text)]
    stated += [(int(n), len(rows)) for n in re.findall(r"dispatch-torch`: (\d+) functions", text)]
    assert stated == [(there, len(rows))]
