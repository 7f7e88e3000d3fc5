"""scikit-image's transforms on points of other families: methods dispatch, classes stay what they are."""

import copy
import pickle

import numpy as np
import pytest
from dispatch_core import disable, enable, using
from skimage import transform

torch = pytest.importorskip("torch", reason="tensors are the arrays that are dispatched on")

RNG = np.random.default_rng(0)
SRC = RNG.random((30, 2)) * 100
DST = SRC * 1.1 + RNG.random((30, 2)) * 5


@pytest.fixture(autouse=True)
def rerouted():
    enable("skimage")
    yield
    disable("skimage")


TRANSFORMS = {
    "affine": transform.AffineTransform(scale=(1.2, 0.8), rotation=0.3, translation=(4, -2)),
    "euclidean": transform.EuclideanTransform(rotation=0.3, translation=(4, -2)),
    "similarity": transform.SimilarityTransform(scale=2, rotation=0.3),
    "projective": transform.ProjectiveTransform(np.array([[1, 0.1, 2], [0.2, 1, -1], [0.001, 0.002, 1]])),
    "polynomial": transform.PolynomialTransform.from_estimate(SRC, DST, order=3),
    "thin plate": transform.ThinPlateSplineTransform.from_estimate(SRC, DST),
    "piecewise affine": transform.PiecewiseAffineTransform.from_estimate(SRC, DST),
    "fundamental": transform.FundamentalMatrixTransform(np.arange(9.0).reshape(3, 3) - 4),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
def test_points_are_transformed_where_they_are(name, dtype):
    tform, points = TRANSFORMS[name], (SRC[:7] * 3).astype(dtype)
    moved = tform(torch.from_numpy(points))
    assert moved.dtype == torch.float64
    rtol = 1e-6 if dtype == "float32" else 1e-12  # the library has powers of float32 in float32
    np.testing.assert_allclose(moved.numpy(), tform(points), rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("name", [n for n in TRANSFORMS if n != "thin plate"])
def test_residuals(name):
    tform = TRANSFORMS[name]
    distances = tform.residuals(torch.from_numpy(SRC), torch.from_numpy(DST))
    np.testing.assert_allclose(distances.numpy(), tform.residuals(SRC, DST), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_gradients_flow_to_the_points(name):
    points = torch.from_numpy(SRC[:4] * 0.3 + 35).requires_grad_()  # no corners of triangles
    assert torch.autograd.gradcheck(TRANSFORMS[name], points)


def test_filter_objects():
    from skimage.filters import LPIFilter2D, filter_forward

    image = RNG.random((8, 9))
    blur = LPIFilter2D(lambda r, c: np.exp(-np.hypot(r, c)))
    np.testing.assert_allclose(blur(torch.from_numpy(image)).numpy(), blur(image), rtol=1e-12)
    np.testing.assert_allclose(
        filter_forward(torch.from_numpy(image), predefined_filter=blur).numpy(), blur(image), rtol=1e-12
    )


def test_inverses_dispatch_too():
    points = torch.from_numpy(SRC)
    for name in ("affine", "projective"):
        back = TRANSFORMS[name].inverse(TRANSFORMS[name](points))
        np.testing.assert_allclose(back.numpy(), SRC, atol=1e-9)


def test_numpy_arrays_stay_with_the_library():
    assert type(TRANSFORMS["affine"](SRC)) is np.ndarray
    np.testing.assert_array_equal(TRANSFORMS["affine"]([[1, 2]]), TRANSFORMS["affine"](np.array([[1, 2]])))


def test_selection():
    points = RNG.random((40_000, 2))
    expected = TRANSFORMS["affine"](points)
    with using("torch"):
        np.testing.assert_allclose(TRANSFORMS["affine"](points), expected, rtol=1e-12)


def test_points_outside_of_all_triangles():
    tform = TRANSFORMS["piecewise affine"]
    points = np.array([[-500.0, 3.0], SRC[3], SRC[:3].mean(axis=0)])
    moved = tform(torch.from_numpy(points))
    np.testing.assert_allclose(moved.numpy(), tform(points), rtol=1e-9)
    assert moved[0].tolist() == [-1, -1]


def test_classes_are_the_library_s_own():
    tform = TRANSFORMS["affine"]
    assert type(pickle.loads(pickle.dumps(tform))) is transform.AffineTransform
    assert isinstance(copy.copy(tform), transform.ProjectiveTransform)
    disable("skimage")
    assert not hasattr(transform.ProjectiveTransform.__call__, "__dispatch__")
    assert not hasattr(transform.AffineTransform.residuals, "__dispatch__")
