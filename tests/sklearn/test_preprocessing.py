"""``sklearn.preprocessing`` in every way there is, against scikit-learn itself."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from dispatch_core import UnsupportedCallError, trace, using
from dispatch_sklearn.portable._kinds import kinds, numbered, totals
from dispatch_sklearn.portable._normal import normal_cdf, normal_ppf
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.preprocessing import (
    MaxAbsScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from .conftest import WAYS, arrays, fitted, host, run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)) * [1.0, 5.0, 0.1, 1.0] + [0.0, 3.0, 0.0, -1.0]
X[:, 3] = np.round(X[:, 3])  # with ties
X[[3, 7, 11], [1, 1, 2]] = np.nan
NEW = np.concatenate([X[:20] * 1.5, [[np.nan, 1e3, -1e3, 0.0]]])
POSITIVE = np.abs(X) + 0.2


def natively(estimator: Any, *values: Any) -> Any:
    with using(backends=()):
        return clone(estimator).fit(*values)


def agree(found: Any, expected: Any, rtol: float = 1e-10) -> None:
    found = host(found)
    assert found.dtype == expected.dtype
    tolerance = rtol if expected.dtype == np.float64 else 3e-6
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


SCALERS = [
    (MaxAbsScaler(), X),
    (MaxAbsScaler(clip=True), X),
    (RobustScaler(), X),
    (RobustScaler(quantile_range=(5.0, 60.0), unit_variance=True), X),
    (RobustScaler(with_centering=False), X),
    (RobustScaler(with_scaling=False), X),
    (QuantileTransformer(n_quantiles=30), X),
    (QuantileTransformer(n_quantiles=30, subsample=50, random_state=3), X),
    (QuantileTransformer(n_quantiles=1), X),
    (QuantileTransformer(n_quantiles=40, output_distribution="normal"), X),
    (PowerTransformer(), X),
    (PowerTransformer(standardize=False), X),
    (PowerTransformer("box-cox"), POSITIVE),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("estimator", "data"), SCALERS, ids=lambda v: str(v) if hasattr(v, "fit") else "")
def test_transformers(way: str, dtype: str, estimator: Any, data: np.ndarray) -> None:
    data, new = data.astype(dtype), (NEW if data is X else np.abs(NEW) + 0.1).astype(dtype)
    rtol = 1e-10 if dtype == "float64" else 1e-6  # NumPy subtracts quantiles in the dtype of the data
    if isinstance(estimator, PowerTransformer):
        if dtype == "float32":
            pytest.skip("the library searches for powers in single precision")
        new, rtol = new[:20], 3e-6  # the likelihood is flat at its maximum
    expected, model = natively(estimator, data), fitted(way, estimator, data)
    for name, value in vars(expected).items():
        if isinstance(value, np.ndarray):
            agree(getattr(model, name), value, rtol)
            assert isinstance(getattr(model, name), np.ndarray) == (way == "selected")
        elif name.endswith("_"):
            assert getattr(model, name) == value
    transformed = expected.transform(new)
    agree(run(way, model, "transform", new), transformed, rtol)
    agree(run(way, model, "inverse_transform", transformed), expected.inverse_transform(transformed), rtol)
    again = run("selected", expected, "transform", new)
    agree(again, transformed)
    if hasattr(type(estimator), "partial_fit"):
        with using(backends=()):
            expected.partial_fit(3 * data)
        agree(run(way, model, "partial_fit", 3 * data).scale_, expected.scale_)


def test_what_is_fitted_to_constants_and_to_nothing_but_nan() -> None:
    data = np.stack([np.full(9, 2.5), np.arange(9.0), np.full(9, np.nan)], axis=1)
    for estimator, columns in ((RobustScaler(), 3), (PowerTransformer(), 2)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = natively(estimator, data[:, :columns]).transform(data[:, :columns])
            model = fitted("selected", estimator, data[:, :columns])
            agree(model.transform(data[:, :columns]), expected, 1e-6)
    with pytest.raises(ValueError, match="Column must not be all nan"):
        PowerTransformer("box-cox").fit(torch.from_numpy(data[:, 2:]))
    with pytest.raises(ValueError, match="strictly positive data"):
        PowerTransformer("box-cox").fit(torch.from_numpy(data - 1))
    with pytest.raises(ValueError, match=r"Invalid quantile range: \(60, 20\)"):
        RobustScaler(quantile_range=(60, 20)).fit(torch.from_numpy(data))
    with pytest.warns(UserWarning, match="greater than the total number of samples"):
        QuantileTransformer().fit(torch.from_numpy(X))


@pytest.mark.parametrize("estimator", [RobustScaler, StandardScaler, MaxAbsScaler, QuantileTransformer])
def test_in_place(estimator: Any) -> None:
    parameters = {"n_quantiles": 20} if estimator is QuantileTransformer else {}
    data = X.copy()
    model = estimator(copy=False, **parameters).fit(data)
    expected = estimator(**parameters).fit(data).transform(data)
    assert run("selected", model, "transform", data) is data
    np.testing.assert_allclose(data, expected, rtol=1e-10)
    before = data.copy()
    data.flags.writeable = False
    with using("torch", min_size=0), trace() as calls:
        model.transform(data)
    assert calls[0].kind == "native"
    np.testing.assert_array_equal(data, before)


FUNCTIONS = [
    ("scale", {}, X),
    ("scale", {"axis": 1, "with_std": False}, X),
    ("scale", {"with_mean": False}, X),
    ("scale", {}, X[:, 0].copy()),
    ("minmax_scale", {"feature_range": (-1, 2)}, X),
    ("minmax_scale", {"axis": 1}, X),
    ("maxabs_scale", {}, X[:, 0].copy()),
    ("maxabs_scale", {"axis": 1}, X),
    ("robust_scale", {"axis": 1, "quantile_range": (10.0, 80.0)}, X),
    ("robust_scale", {"with_scaling": False}, X[:, 1].copy()),
    ("quantile_transform", {"n_quantiles": 20, "output_distribution": "normal"}, X),
    ("quantile_transform", {"n_quantiles": 4, "axis": 1}, X),
    ("power_transform", {"method": "box-cox"}, POSITIVE),
    ("add_dummy_feature", {"value": 2}, np.nan_to_num(X)),
    ("normalize", {"norm": "l1"}, np.nan_to_num(X)),
    ("binarize", {"threshold": 0.5}, np.nan_to_num(X)),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "parameters", "data"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS])
def test_functions(way: str, name: str, parameters: dict, data: np.ndarray) -> None:
    function = getattr(preprocessing, name)
    for dtype in ("float64", "float32") if name != "power_transform" else ("float64",):
        expected = function(data.astype(dtype), **parameters)
        if way == "selected":
            with using("torch", min_size=0, fallback="error"):
                found = function(data.astype(dtype), **parameters)
        else:
            found = function(*arrays(way, data.astype(dtype)), **parameters)
        exact = dtype == "float64" and name != "power_transform"
        agree(found, expected, 1e-10 if exact else 3e-6)
    if "copy" in (function.__kwdefaults__ or {}) and data.ndim == 2:
        given = data.copy()
        with using("torch", min_size=0):
            assert np.shares_memory(function(given, copy=False, **parameters), given)


def test_scale_warns_of_what_is_left() -> None:
    for value, words in ((1e100, "Dataset may contain too large values"),):
        with pytest.warns(UserWarning, match=words):
            preprocessing.scale(torch.linspace(value, 1.5 * value, 10, dtype=torch.float64))


CODES = np.stack([RNG.integers(0, n, 200) for n in (3, 7, 12)], axis=1)
REAL = CODES[:, 0] + RNG.normal(size=200)
THREE = (CODES[:, 1] + RNG.integers(0, 2, 200)) % 3
TARGETS = {"continuous": REAL, "binary": THREE % 2, "multiclass": THREE}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("smooth", ["auto", 3.0, 0])
@pytest.mark.parametrize("kind", TARGETS)
def test_target_encoder(way: str, smooth: Any, kind: str) -> None:
    y = TARGETS[kind]
    codes = CODES.astype(float)
    codes[::9, 1] = np.nan
    splitter = (KFold if kind == "continuous" else StratifiedKFold)(4, shuffle=True, random_state=5)
    estimator = TargetEncoder(smooth=smooth, cv=splitter)
    for data in (CODES, codes):
        expected, model = natively(estimator, data, y), fitted(way, estimator, data, y)
        assert model.target_type_ == expected.target_type_ == kind
        for found, known in zip(model.encodings_, expected.encodings_, strict=True):
            agree(found, known)
        for found, known in zip(model.categories_, expected.categories_, strict=True):
            agree(found, known)
        agree(np.asarray(host(model.target_mean_)), np.asarray(expected.target_mean_))
        new = data[:30].copy()
        new[:4, 0], new[5, 2] = 77, -3  # unknown
        agree(run(way, model, "transform", new), expected.transform(new))
        with using(backends=()):
            crossed = clone(estimator).fit_transform(data, y)
        agree(run(way, clone(estimator), "fit_transform", data, y), crossed)
    if way == "selected":
        agree(natively(estimator, codes, y).transform(codes), run(way, expected, "transform", codes))
        assert type(model.target_mean_) is type(expected.target_mean_)


@pytest.mark.parametrize("way", ["torch", "selected"])
def test_target_encoder_with_given_categories_and_folds(way: str) -> None:
    given = [list(range(3)), list(range(9)), list(range(6))]  # some of the last feature are unknown
    for parameters in ({"categories": given, "cv": KFold(3)}, {"cv": GroupKFold(4)}):
        estimator = TargetEncoder(**parameters)
        if "categories" in parameters:
            expected = clone(estimator).fit_transform(CODES, REAL)
            agree(run(way, clone(estimator), "fit_transform", CODES, REAL), expected)
        agree(
            host(run(way, fitted(way, estimator, CODES, REAL), "transform", CODES)),
            natively(estimator, CODES, REAL).transform(CODES),
        )
    first, second = list(range(0, 200, 2)), list(range(1, 200, 2))
    folds = [(second, first), (first, second)]
    expected = TargetEncoder(cv=folds).fit_transform(CODES, REAL)
    agree(run(way, TargetEncoder(cv=folds), "fit_transform", CODES, REAL), expected)
    with pytest.raises(ValueError, match="must cover each sample index exactly once"):
        run(way, TargetEncoder(cv=folds[:1]), "fit_transform", CODES, REAL)
    for categories, words in (
        ([[0, 1, 2], [3, 1], [0]], "Unsorted categories"),
        ([[0, 1, 2], [3, 3], [0]], "In column 1, the predefined categories contain duplicate"),
        ([[0, 1, 2]], "Shape mismatch"),
    ):
        with pytest.raises(ValueError, match=words):
            fitted(way, TargetEncoder(categories=categories), CODES, REAL)


def test_texts_stay_with_the_library() -> None:
    animals = np.array(["cat", "dog", "cow"], dtype=object)[CODES[:, :1]]
    words = animals.astype(str)[:, 0]
    for method, values in (
        (TargetEncoder().fit, (animals, REAL)),
        (TargetEncoder(target_type="binary").fit, (CODES, words)),
        (preprocessing.LabelEncoder().fit, (words,)),
        (preprocessing.LabelBinarizer().fit, (words,)),
        (TargetEncoder(categories=[["a", "b"]] * 3).fit, (CODES, REAL)),
    ):
        with using("torch", min_size=0), trace() as calls, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                method(*values)
            except ValueError:
                assert "target_type" in str(values) or method.__self__.get_params()
        assert calls[0].kind == "native", calls
    listed = TargetEncoder().fit(torch.from_numpy(CODES), words.tolist())
    assert listed.classes_.tolist() == ["cat", "cow", "dog"]
    assert all(isinstance(e, torch.Tensor) for e in listed.encodings_)
    with pytest.raises(UnsupportedCallError, match="categories hold texts"):
        TargetEncoder(categories=[["a"]]).fit(torch.from_numpy(CODES[:, :1]), torch.from_numpy(REAL))


def test_what_was_fitted_by_selection_needs_nothing_of_this_project(tmp_path) -> None:
    models = {
        "target": (TargetEncoder(), (CODES, THREE), CODES),
        "robust": (RobustScaler(), (X,), X),
        "power": (PowerTransformer(), (X,), X),
        "quantile": (QuantileTransformer(n_quantiles=20), (X,), X),
    }
    stored = {k: (fitted("selected", m, *v), d) for k, (m, v, d) in models.items()}
    stored = {k: (m, d, m.transform(d)) for k, (m, d) in stored.items()}
    path = tmp_path / "models.pickle"
    path.write_bytes(pickle.dumps(stored))
    code = (
        "import sys, pickle, numpy as np\n"
        f"stored = pickle.load(open({str(path)!r}, 'rb'))\n"
        "for model, data, expected in stored.values():\n"
        "    np.testing.assert_allclose(model.transform(data), expected, rtol=1e-9, atol=1e-9)\n"
        "assert 'torch' not in sys.modules and 'dispatch_core' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True)


def test_gradients_flow_through_what_scales() -> None:
    for estimator in (RobustScaler(), MaxAbsScaler(), PowerTransformer(), StandardScaler()):
        data = torch.from_numpy(np.nan_to_num(X) + 0.1)
        model = estimator.fit(data)
        data.requires_grad_()
        model.transform(data).sum().backward()
        assert bool((data.grad > 0).all())


@pytest.mark.parametrize("way", ["torch", "strict"])
def test_kinds_and_their_numbers(way: str) -> None:
    for values, known in (
        (np.array([3, 1, 3, 7]), np.array([1, 3, 7])),
        (np.array([2.0, np.nan, -1.0, np.nan]), np.array([-1.0, 2.0, np.nan])),
        (np.array([True, False, True]), np.array([False, True])),
        (np.array([np.nan, np.nan]), np.array([np.nan])),
    ):
        given, expected = arrays(way, values, known)
        np.testing.assert_array_equal(host(kinds(given)), known)
        numbers, there = numbered(given, expected)
        assert host(there).all()
        np.testing.assert_array_equal(known[host(numbers)], values)
        counts = host(totals(numbers, known.shape[0] + 1))
        np.testing.assert_array_equal(counts, np.bincount(host(numbers), minlength=len(known) + 1))
        (weights,) = arrays(way, RNG.random(len(values)))
        np.testing.assert_allclose(
            host(totals(numbers, len(known) + 1, weights)),
            np.bincount(host(numbers), host(weights), minlength=len(known) + 1),
        )
    numbers, there = numbered(*arrays(way, np.array([0, 5]), np.array([1.5, 5.0, np.nan])))
    assert host(there).tolist() == [False, True]
    assert host(numbers).tolist() == [0, 1]


@pytest.mark.parametrize("way", ["torch", "strict"])
def test_the_normal_distribution(way: str) -> None:
    (p,) = arrays(way, np.concatenate([[0.0, 1e-300, 1e-12], np.linspace(0.001, 0.999, 60), [1.0, 2.0]]))
    np.testing.assert_allclose(host(normal_ppf(p)), scipy.special.ndtri(host(p)), rtol=1e-13)
    (x,) = arrays(way, np.concatenate([[-40.0], np.linspace(-9, 9, 60), [40.0, np.nan]]))
    np.testing.assert_allclose(host(normal_cdf(x)), scipy.special.ndtr(host(x)), atol=1e-14)
