"""scikit-learn with array dispatch, in the methods of its estimators and in its functions of arrays.

``dispatch_core.enable("sklearn")`` makes scikit-learn itself dispatch; its classes stay what they are.
``from dispatch_sklearn import metrics`` gives the dispatching functions with nothing patched. `to` converts a fitted
estimator to arrays of another family or on another device.
"""

from typing import Any

from dispatch_core import Plugin

from ._version import __version__

__all__ = ["__version__", "plugin", "to"]

#: Namespace to the modules in it that define its estimators; "" is the namespace itself.
_CLASSES = {
    "calibration": ("",),
    "cluster": (
        *("_affinity_propagation", "_agglomerative", "_bicluster", "_birch", "_bisect_k_means", "_dbscan"),
        *("_hdbscan.hdbscan", "_kmeans", "_mean_shift", "_optics", "_spectral"),
    ),
    "covariance": (
        *("_elliptic_envelope", "_empirical_covariance", "_graph_lasso", "_robust_covariance"),
        "_shrunk_covariance",
    ),
    "cross_decomposition": ("_pls",),
    "decomposition": (
        *("_dict_learning", "_factor_analysis", "_fastica", "_incremental_pca", "_kernel_pca", "_lda"),
        *("_nmf", "_pca", "_sparse_pca", "_truncated_svd"),
    ),
    "discriminant_analysis": ("",),
    "ensemble": (
        *("_forest", "_gb", "_hist_gradient_boosting.gradient_boosting", "_iforest", "_weight_boosting"),
    ),
    "feature_extraction": ("image",),
    "feature_selection": ("_univariate_selection", "_variance_threshold"),
    "gaussian_process": ("_gpc", "_gpr"),
    "impute": ("_base", "_knn"),
    "isotonic": ("",),
    "kernel_approximation": ("",),
    "kernel_ridge": ("",),
    "linear_model": (
        *("_base", "_bayes", "_coordinate_descent", "_glm.glm", "_huber", "_least_angle", "_logistic"),
        *("_omp", "_passive_aggressive", "_perceptron", "_quantile", "_ridge", "_stochastic_gradient"),
        "_theil_sen",
    ),
    "manifold": (*("_classical_mds", "_isomap", "_locally_linear", "_mds", "_spectral_embedding", "_t_sne"),),
    "mixture": ("_bayesian_mixture", "_gaussian_mixture"),
    "model_selection": ("_search",),
    "naive_bayes": ("",),
    "neighbors": (
        *("_classification", "_graph", "_kde", "_lof", "_nca", "_nearest_centroid", "_regression"),
        "_unsupervised",
    ),
    "neural_network": ("_multilayer_perceptron", "_rbm"),
    "pipeline": ("",),
    "preprocessing": (
        *("_data", "_discretization", "_encoders", "_function_transformer", "_label", "_polynomial"),
        "_target_encoder",
    ),
    "random_projection": ("",),
    "semi_supervised": ("_label_propagation",),
    "svm": ("_classes",),
    "tree": ("_classes",),
}
_FUNCTIONS = ("metrics", "metrics.pairwise", "preprocessing")
_NAMESPACES = sorted({*_CLASSES, *_FUNCTIONS})
_PORTABLE = (
    *("calibration", "cluster", "covariance", "decomposition", "discriminant_analysis"),
    *("kernel_approximation", "kernel_ridge", "linear_model", "metrics", "metrics.pairwise"),
    *("manifold", "mixture", "model_selection", "naive_bayes", "neighbors", "pipeline", "preprocessing"),
)

plugin = Plugin(
    name="sklearn",
    distribution="scikit-learn",
    namespaces={
        f"sklearn.{n}": f"dispatch_sklearn._functions:{n.replace('.', '_').upper()}" for n in _NAMESPACES
    },
    explicit={f"sklearn.{n}": f"dispatch_sklearn.{n}" for n in _FUNCTIONS},
    portable={f"sklearn.{n}": f"dispatch_sklearn.portable.{n}" for n in _PORTABLE},
    methods={
        f"sklearn.{namespace}{'.' if module else ''}{module}": f"sklearn.{namespace}"
        for namespace, modules in _CLASSES.items()
        for module in modules
    },
    context="dispatch_sklearn._context:array_api",
    mover="dispatch_sklearn.to",
    metadata=("_skl_callbacks", "_skl_callbacks_to_teardown", "_callback_fit_ctx", "_parent_callback_ctx"),
    requires=">=1.9",
    tested=("1.9",),
)


def __getattr__(name: str) -> Any:
    if name == "to":  # needs the library, which declaring does not
        from ._moving import to

        return to
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
