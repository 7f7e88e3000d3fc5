"""The figure of all global thresholds: of tensors as of NumPy arrays."""

import subprocess
import sys

import numpy as np
import pytest
import skimage.data
import skimage.filters
from dispatch_core import using
from dispatch_skimage import filters

torch = pytest.importorskip("torch", reason="the torch backend needs torch")
matplotlib = pytest.importorskip("matplotlib", reason="figures need matplotlib")

COINS = skimage.data.coins()[::3, ::3].copy()
FLAT = np.array([[0, 0, 1, 3, 5], [0, 1, 4, 3, 4], [1, 2, 5, 4, 1], [2, 4, 5, 2, 1], [4, 5, 1, 0, 0]])


@pytest.fixture(autouse=True)
def no_window():
    matplotlib.use("Agg")
    yield
    matplotlib.pyplot.close("all")


def contents(figure, axes):
    """What is drawn: titles, pictures, texts, and the size in inches."""
    drawn = [
        (
            ax.get_title(),
            [np.asarray(picture.get_array()) for picture in ax.images],
            [picture.cmap.name for picture in ax.images],
            [text.get_text() for text in ax.texts],
            ax.axison,
        )
        for ax in axes
    ]
    return drawn, tuple(figure.get_size_inches()), axes.shape


def assert_same(ours, theirs):
    assert ours[1:] == theirs[1:]
    for (title, pictures, *others), (expected, expected_pictures, *expected_others) in zip(
        ours[0], theirs[0], strict=True
    ):
        assert (title, others) == (expected, expected_others)
        for picture, wanted in zip(pictures, expected_pictures, strict=True):
            assert picture.dtype == wanted.dtype
            np.testing.assert_array_equal(picture, wanted)


@pytest.mark.parametrize("way", ["type", "selection"])
@pytest.mark.parametrize(
    "image",
    [COINS, (COINS / 255).astype("float32"), COINS.astype("int16") - 99, FLAT, COINS > 99],
    ids=["uint8", "float32", "negative", "without a minimum", "bool"],
)
@pytest.mark.filterwarnings("ignore:Converting input from bool:RuntimeWarning")
def test_figures_are_the_same(image, way, capsys):
    theirs = contents(*skimage.filters.try_all_threshold(image, figsize=(4, 3)))
    printed = capsys.readouterr().out
    if way == "type":
        ours = contents(*filters.try_all_threshold(torch.from_numpy(image), figsize=(4, 3)))
    else:
        with using("torch", fallback="error"):
            ours = contents(*filters.try_all_threshold(image, figsize=(4, 3)))
    assert capsys.readouterr().out == printed
    assert_same(ours, theirs)


def test_nothing_is_printed_unless_wanted(capsys):
    filters.try_all_threshold(torch.from_numpy(COINS), verbose=False)
    assert not capsys.readouterr().out


def test_an_image_without_a_histogram_has_no_figure():
    with pytest.raises(ValueError, match="not finite"):
        filters.try_all_threshold(torch.full((3, 3), torch.nan))
    assert not matplotlib.pyplot.get_fignums()


def test_matplotlib_is_imported_when_a_figure_is_asked_for():
    lines = [
        "import sys, torch",
        "from dispatch_skimage import filters",
        "filters.threshold_otsu(torch.arange(9.0))",
        "assert 'matplotlib' not in sys.modules",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
