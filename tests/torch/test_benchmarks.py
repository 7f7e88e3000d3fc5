"""The benchmarks run; what they measure is nothing for tests."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the benchmarks compare with torch")

FOLDER = Path(__file__).parents[2] / "benchmarks"
SMALL = {
    "bench_overhead.py": ["--rounds", "1", "--number", "2"],
    "bench_ndimage.py": ["--shape", "32x32", "--rounds", "1", "--only", "sobel"],
    "bench_skimage.py": ["--shape", "32x32", "--rounds", "1", "--only", "filters.sobel,montage"],
    "bench_sklearn.py": ["--rounds", "1", "--only", "Ridge"],
}


@pytest.mark.parametrize("script", SMALL)
def test_benchmarks_run(script):
    command = [sys.executable, str(FOLDER / script), *SMALL[script]]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "torch" in result.stdout
