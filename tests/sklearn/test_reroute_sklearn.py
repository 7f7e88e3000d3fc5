"""scikit-learn rerouted: every estimator's methods, its classes what they were, and every declared function."""

import contextlib
import importlib
import inspect
import json
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from dispatch_core import MixedArraysError, UnsupportedCallError, disable, enable, explain, trace, using
from dispatch_core._discovery import backend_entries, plugin_entries
from dispatch_core._namespaces import declared, dispatchables, library_method
from dispatch_sklearn import plugin, to
from sklearn import metrics
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import all_estimators

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X @ [1.0, 2.0, 0.0, -1.0] + RNG.normal(size=60)
#: Estimators whose arrays are texts or dicts, that look at no array, or that hand all arrays on to others.
NO_ARRAYS = {
    *("DictVectorizer", "FeatureHasher", "CountVectorizer", "HashingVectorizer", "TfidfTransformer"),
    *("TfidfVectorizer", "DummyClassifier", "DummyRegressor"),
}


def is_meta(cls: type) -> bool:
    names = inspect.signature(cls.__init__).parameters
    return any(
        n in names
        for n in ("estimator", "estimators", "transformers", "transformer_list", "steps", "regressor")
    )


def declared_estimators() -> set[str]:
    return {n.partition(".")[0] for space in plugin.namespaces for n in declared(space) if "." in n}


def test_every_estimator_is_declared() -> None:
    public = {name for name, cls in all_estimators() if not is_meta(cls)} - NO_ARRAYS
    assert public <= declared_estimators()


@pytest.mark.parametrize("namespace", plugin.namespaces)
def test_all_that_is_declared_exists(namespace: str) -> None:
    assert set(dispatchables(namespace)) == set(declared(namespace))
    assert not plugin_entries()["sklearn"].problems


@pytest.mark.parametrize("name", ["sklearn.metrics", "sklearn.metrics.pairwise", "sklearn.preprocessing"])
def test_every_function_of_arrays_is_declared(name: str) -> None:
    module = importlib.import_module(name)
    no_arrays = {
        *("check_scoring", "get_scorer", "get_scorer_names", "make_scorer"),
        *("check_paired_arrays", "check_pairwise_arrays", "distance_metrics", "kernel_metrics"),
    }
    own = {
        n for n, f in vars(module).items() if getattr(f, "__module__", "") == name and not n.startswith("_")
    }
    public = getattr(module, "__all__", own)
    functions = {n for n in public if inspect.isfunction(getattr(module, n))}
    assert functions - no_arrays <= set(declared(name))


@pytest.mark.parametrize("namespace", plugin.namespaces)
def test_a_tensor_is_computed_or_refused(namespace: str) -> None:
    for function in dispatchables(namespace).values():
        owner = function.declaration.owner
        arguments = {p: torch.zeros(4, 4) for p, _ in function.declaration.parameters}
        if owner is not None:
            module = importlib.import_module(namespace)
            cls = getattr(module, owner[0], None) or dict(all_estimators())[owner[0]]
            arguments["self"] = object.__new__(cls)
        for p in function.signature.parameters.values():
            if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                arguments.setdefault(p.name, 1)
        if function.implementation_for(backend_entries()["torch"]) is None:
            route = explain(function.explicit, **arguments)
            assert isinstance(route.error, UnsupportedCallError), function


def test_classes_stay_what_they_are() -> None:
    before = dict(all_estimators())
    signature = inspect.signature(KMeans.fit)
    disable("sklearn")
    try:
        assert dict(all_estimators()) == before
        assert inspect.signature(KMeans.fit) == signature
        assert "transform" not in vars(PCA)  # it is inherited
        native, original = PCA.transform, vars(KMeans)["fit"]
    finally:
        enable("sklearn")
    assert vars(KMeans)["fit"] is not original
    disable("sklearn")
    enable("sklearn")
    assert library_method(KMeans, "fit") is original
    assert library_method(PCA, "transform") is native
    model = pickle.loads(pickle.dumps(clone(KernelRidge(alpha=3.0))))
    assert isinstance(model, KernelRidge)
    assert model.get_params()["alpha"] == 3.0
    assert (KMeans.fit.__qualname__, KMeans.fit.__module__) == ("KMeans.fit", "sklearn.cluster")
    assert not is_classifier(model)


def test_disabling_puts_the_same_functions_back() -> None:
    disable("sklearn")
    try:
        before = {(cls, n): f for _, cls in all_estimators() for n, f in vars(cls).items() if callable(f)}
        function = metrics.accuracy_score
        enable("sklearn")
        assert metrics.accuracy_score is not function
        disable("sklearn")
        assert {
            (cls, n): f for _, cls in all_estimators() for n, f in vars(cls).items() if callable(f)
        } == before
        assert metrics.accuracy_score is function
    finally:
        enable("sklearn")


def test_composition_dispatches() -> None:
    pipe = make_pipeline(StandardScaler(), KernelRidge())
    tensors = torch.from_numpy(X), torch.from_numpy(Y)
    with trace() as calls:
        predicted = pipe.fit(*tensors).predict(tensors[0])
    np.testing.assert_allclose(predicted, clone(pipe).fit(X, Y).predict(X), rtol=1e-9)
    ran = {c.function: c.backend for c in calls}
    assert ran["sklearn.kernel_ridge.KernelRidge.fit"] == "portable"
    assert ran["sklearn.preprocessing.StandardScaler.fit"] == "home"


def test_a_search_over_workers_selects_what_it_calls() -> None:
    search = GridSearchCV(KernelRidge(), {"alpha": [0.1, 1.0, 10.0]}, cv=3, n_jobs=2)
    expected = clone(search).fit(X, Y)
    with using("torch", min_size=0), trace() as calls:
        search.fit(X, Y)
    assert search.best_params_ == expected.best_params_
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])
    assert type(search.best_estimator_.dual_coef_) is np.ndarray
    assert calls[0].backend == "native"
    assert "selected, each by itself" in calls[0].passed[0].reason
    assert any(c.backend == "torch" for c in calls)


def test_array_api_support_is_on_for_the_call_alone() -> None:
    from sklearn import get_config

    seen = []

    class Watching(MinMaxScaler):
        def partial_fit(self, X, y=None):
            seen.append(get_config()["array_api_dispatch"])
            return super().partial_fit(X, y)

    Watching().fit(torch.from_numpy(X))
    assert [bool(s) for s in seen] == [True]
    assert get_config()["array_api_dispatch"] is False
    with pytest.raises(ValueError, match="infinity"):
        MinMaxScaler().fit(torch.tensor([[float("inf")], [0.0]]))
    assert get_config()["array_api_dispatch"] is False


def test_what_stays_native_says_why() -> None:
    from scipy import sparse

    with using("torch", min_size=0), trace() as calls:
        StandardScaler(with_mean=False).fit(sparse.csr_matrix(X))
        StandardScaler().fit(X.astype(object))
        StandardScaler().fit(X[:, :1] > 0).set_output(transform="pandas")
        KernelRidge(kernel=lambda a, b: a @ b).fit(X, Y)
    reasons = [c.passed[0].reason for c in calls if c.depth == 0 and c.passed]
    assert reasons == [
        "X is a csr_matrix, which only the library's own function takes",
        "X holds Python objects, which only the library's own function takes",
        "kernel is a callable for NumPy arrays",
    ]
    with using("torch", min_size=0), trace() as calls, contextlib.suppress(ImportError):
        StandardScaler().fit(X).set_output(transform="pandas").transform(X)
    assert calls[-1].passed[0].reason == "set_output(transform='pandas') makes a DataFrame"


def test_unsupported_estimators_say_so() -> None:
    with pytest.raises(
        UnsupportedCallError, match=r"sklearn\.cluster\.BisectingKMeans\.fit cannot run on torch"
    ):
        BisectingKMeans(2).fit(torch.from_numpy(X))
    with using("torch", min_size=0), trace() as calls:
        BisectingKMeans(2, random_state=0).fit(X)
    assert calls[0].backend == "native"
    assert calls[0].passed[0].reason == "has no sklearn.cluster.BisectingKMeans.fit"


def test_a_fitted_estimator_moves() -> None:
    model = KernelRidge(kernel="rbf").fit(X, Y)
    moved = to(model, "torch")
    assert type(model.dual_coef_) is np.ndarray
    assert type(moved.dual_coef_) is torch.Tensor
    np.testing.assert_allclose(moved.predict(torch.from_numpy(X)), model.predict(X))
    words = r"self\.dual_coef_ is torch .*X is numpy .*or the instance with dispatch_sklearn\.to,"
    with pytest.raises(MixedArraysError, match=words):
        moved.predict(X)
    with pytest.raises(MixedArraysError, match=r"self\.dual_coef_ is numpy .*X is torch"):
        model.predict(torch.from_numpy(X))
    back = to(moved, "numpy")
    np.testing.assert_allclose(back.predict(X), model.predict(X))
    pipe = to(make_pipeline(StandardScaler(), KernelRidge()).fit(X, Y), "torch")
    assert type(pipe[0].mean_) is torch.Tensor


def test_moving_says_what_it_cannot() -> None:
    from dispatch_core import ConfigError

    model = BaseEstimator()
    with pytest.raises(ConfigError, match="no backend 'tensorflow' is installed"):
        to(model, "tensorflow")
    with pytest.raises(ConfigError, match="NumPy arrays are on the CPU only"):
        to(model, "numpy", device="cuda")
    model.classes_ = np.array(["a", "b"])
    with pytest.raises(TypeError, match="cannot be converted to torch"):
        to(model, "torch")


PREDICTS = """
import pickle, sys
sys.modules["dispatch_core"] = sys.modules["dispatch_sklearn"] = None
with open(sys.argv[1], "rb") as file:
    models, X = pickle.load(file)
for model in models:
    print(float(model.predict(X).sum()), "torch" in sys.modules)
"""


def test_a_model_fitted_by_a_backend_predicts_without_this_project(tmp_path) -> None:
    with using("torch", min_size=0, fallback="error"):
        models = [KernelRidge().fit(X, Y), make_pipeline(StandardScaler(), KernelRidge()).fit(X, Y)]
    path = tmp_path / "models.pickle"
    path.write_bytes(pickle.dumps((models, X)))
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DISPATCH")}
    result = subprocess.run(
        [sys.executable, "-c", PREDICTS, str(path)], env=clean, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    expected = [float(m.predict(X).sum()) for m in models]
    lines = [line.split() for line in result.stdout.splitlines()]
    np.testing.assert_allclose([float(value) for value, _ in lines], expected)
    assert {seen for _, seen in lines} == {"False"}


SEEN = """
import json, sys
import sklearn.preprocessing
print(json.dumps(sorted(m for m in sys.modules if m.split(".")[0] in ("sklearn", "torch"))))
"""


def test_switching_on_imports_no_more_of_scikit_learn() -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DISPATCH")}

    def seen(**more: str) -> list[str]:
        command = [sys.executable, "-c", SEEN]
        result = subprocess.run(command, env={**clean, **more}, capture_output=True, text=True, check=True)
        return json.loads(result.stdout)

    assert seen(DISPATCH="sklearn") == seen()


def test_an_environment_without_scipys_switch_is_asked_as_ever() -> None:
    from sklearn import config_context

    if os.environ.get("SCIPY_ARRAY_API") == "1":
        pytest.skip("the switch is set in this environment")
    with pytest.raises(RuntimeError, match="SCIPY_ARRAY_API"), config_context(array_api_dispatch=True):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StandardScaler().fit(torch.from_numpy(X))
