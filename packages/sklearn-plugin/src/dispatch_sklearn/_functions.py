"""The public estimators and functions of scikit-learn 1.9, and the arguments whose types decide, by namespace.

Numbers, strings, callables and estimators among these arguments take no part. Classes stay what they are; their
methods dispatch. Left out are meta-estimators, which hand their arrays on to other estimators (``Pipeline``,
``VotingClassifier``), but for those whose code of their own computes on arrays, and what works on text.
"""

from __future__ import annotations

from typing import Literal

from dispatch_core import Function

__all__ = [
    "CALIBRATION",
    "CLUSTER",
    "COVARIANCE",
    "CROSS_DECOMPOSITION",
    "DECOMPOSITION",
    "DISCRIMINANT_ANALYSIS",
    "ENSEMBLE",
    "FEATURE_EXTRACTION",
    "FEATURE_SELECTION",
    "GAUSSIAN_PROCESS",
    "IMPUTE",
    "ISOTONIC",
    "KERNEL_APPROXIMATION",
    "KERNEL_RIDGE",
    "LINEAR_MODEL",
    "MANIFOLD",
    "METRICS",
    "METRICS_PAIRWISE",
    "MIXTURE",
    "MODEL_SELECTION",
    "NAIVE_BAYES",
    "NEIGHBORS",
    "NEURAL_NETWORK",
    "PIPELINE",
    "PREPROCESSING",
    "RANDOM_PROJECTION",
    "SEMI_SUPERVISED",
    "SVM",
    "TREE",
]

State = Literal["", "read", "write", "update"]


def _state(method: str) -> State:
    """What a method does with the attributes of its estimator."""
    if method.startswith("fit"):
        return "write"
    return "update" if method == "partial_fit" else "read"


def _methods(estimator: str, **methods: str) -> tuple[Function, ...]:
    """An estimator's methods, each with the parameters that decide."""
    return tuple(
        Function(f"{estimator}.{method}", tuple(arrays.split()), scalars=True, state=_state(method))
        for method, arrays in methods.items()
    )


def _functions(arrays: str, *names: str) -> tuple[Function, ...]:
    """Functions with the same parameters that decide."""
    return tuple(Function(name, tuple(arrays.split()), scalars=True) for name in names)


CALIBRATION = (*_methods("CalibratedClassifierCV", fit="X y sample_weight", predict="X", predict_proba="X"),)
CLUSTER = (
    *_methods("AffinityPropagation", fit="X y", fit_predict="X y", predict="X"),
    *_methods("AgglomerativeClustering", fit="X y", fit_predict="X y"),
    *_methods("Birch", fit="X y", partial_fit="X y", predict="X", transform="X"),
    *_methods(
        "BisectingKMeans",
        fit="X y sample_weight",
        fit_predict="X y sample_weight",
        fit_transform="X y sample_weight",
        predict="X",
        transform="X",
        score="X y sample_weight",
    ),
    *_methods("DBSCAN", fit="X y sample_weight", fit_predict="X y sample_weight"),
    *_methods("FeatureAgglomeration", fit="X y", transform="X", inverse_transform="X"),
    *_methods("HDBSCAN", fit="X y", fit_predict="X y"),
    *_methods(
        "KMeans",
        fit="X y sample_weight",
        fit_predict="X y sample_weight",
        fit_transform="X y sample_weight",
        predict="X",
        transform="X",
        score="X y sample_weight",
    ),
    *_methods("MeanShift", fit="X y", predict="X"),
    *_methods(
        "MiniBatchKMeans",
        fit="X y sample_weight",
        partial_fit="X y sample_weight",
        fit_predict="X y sample_weight",
        fit_transform="X y sample_weight",
        predict="X",
        transform="X",
        score="X y sample_weight",
    ),
    *_methods("OPTICS", fit="X y"),
    *_methods("SpectralBiclustering", fit="X y"),
    *_methods("SpectralClustering", fit="X y", fit_predict="X y"),
    *_methods("SpectralCoclustering", fit="X y"),
)
COVARIANCE = (
    *_methods(
        "EllipticEnvelope",
        fit="X y",
        predict="X",
        decision_function="X",
        score="X y sample_weight",
        score_samples="X",
        mahalanobis="X",
    ),
    *_methods(
        "EmpiricalCovariance",
        fit="X y",
        score="X_test y",
        error_norm="comp_cov",
        mahalanobis="X",
        get_precision="",
    ),
    *_methods("GraphicalLasso", fit="X y", score="X_test y", mahalanobis="X"),
    *_methods("GraphicalLassoCV", fit="X y", score="X_test y", mahalanobis="X"),
    *_methods(
        "LedoitWolf",
        fit="X y",
        score="X_test y",
        error_norm="comp_cov",
        mahalanobis="X",
        get_precision="",
    ),
    *_methods("MinCovDet", fit="X y", score="X_test y", mahalanobis="X"),
    *_methods(
        "OAS",
        fit="X y",
        score="X_test y",
        error_norm="comp_cov",
        mahalanobis="X",
        get_precision="",
    ),
    *_methods(
        "ShrunkCovariance",
        fit="X y",
        score="X_test y",
        error_norm="comp_cov",
        mahalanobis="X",
        get_precision="",
    ),
)
CROSS_DECOMPOSITION = (
    *_methods("CCA", fit="X y", fit_transform="X y", predict="X", transform="X y", inverse_transform="X y"),
    *_methods(
        "PLSCanonical", fit="X y", fit_transform="X y", predict="X", transform="X y", inverse_transform="X y"
    ),
    *_methods(
        "PLSRegression", fit="X y", fit_transform="X y", predict="X", transform="X y", inverse_transform="X y"
    ),
    *_methods("PLSSVD", fit="X y", fit_transform="X y", transform="X y"),
)
DECOMPOSITION = (
    *_methods("DictionaryLearning", fit="X y", fit_transform="X y", transform="X", inverse_transform="X"),
    *_methods("FactorAnalysis", fit="X y", transform="X", score="X y", score_samples="X"),
    *_methods("FastICA", fit="X y", fit_transform="X y", transform="X", inverse_transform="X"),
    *_methods(
        "IncrementalPCA",
        fit="X y",
        partial_fit="X y",
        transform="X",
        inverse_transform="X",
        get_covariance="",
        get_precision="",
    ),
    *_methods("KernelPCA", fit="X y", fit_transform="X y", transform="X", inverse_transform="X"),
    *_methods(
        "LatentDirichletAllocation",
        fit="X y",
        partial_fit="X y",
        fit_transform="X y",
        transform="X",
        score="X y",
        perplexity="X",
    ),
    *_methods(
        "MiniBatchDictionaryLearning", fit="X y", partial_fit="X y", transform="X", inverse_transform="X"
    ),
    *_methods(
        "MiniBatchNMF",
        fit="X y",
        partial_fit="X y W H",
        fit_transform="X y W H",
        transform="X",
        inverse_transform="X",
    ),
    *_methods("MiniBatchSparsePCA", fit="X y", transform="X", inverse_transform="X"),
    *_methods("NMF", fit="X y", fit_transform="X y W H", transform="X", inverse_transform="X"),
    *_methods(
        "PCA",
        fit="X y",
        fit_transform="X y",
        transform="X",
        inverse_transform="X",
        score="X y",
        score_samples="X",
        get_covariance="",
        get_precision="",
    ),
    *_methods("SparseCoder", fit="X y", transform="X y", inverse_transform="X"),
    *_methods("SparsePCA", fit="X y", transform="X", inverse_transform="X"),
    *_methods("TruncatedSVD", fit="X y", fit_transform="X y", transform="X", inverse_transform="X"),
)
DISCRIMINANT_ANALYSIS = (
    *_methods(
        "LinearDiscriminantAnalysis",
        fit="X y",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        decision_function="X",
        transform="X",
    ),
    *_methods(
        "QuadraticDiscriminantAnalysis",
        fit="X y",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        decision_function="X",
    ),
)
ENSEMBLE = (
    *_methods(
        "AdaBoostClassifier",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        decision_function="X",
        staged_predict="X",
        staged_predict_proba="X",
        staged_decision_function="X",
    ),
    *_methods(
        "ExtraTreesClassifier",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        apply="X",
        decision_path="X",
    ),
    *_methods("ExtraTreesRegressor", fit="X y sample_weight", predict="X", apply="X", decision_path="X"),
    *_methods(
        "GradientBoostingClassifier",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        decision_function="X",
        apply="X",
        staged_predict="X",
        staged_predict_proba="X",
        staged_decision_function="X",
    ),
    *_methods(
        "GradientBoostingRegressor", fit="X y sample_weight", predict="X", apply="X", staged_predict="X"
    ),
    *_methods(
        "HistGradientBoostingClassifier",
        fit="X y sample_weight X_val y_val sample_weight_val",
        predict="X",
        predict_proba="X",
        decision_function="X",
        staged_predict="X",
        staged_predict_proba="X",
        staged_decision_function="X",
    ),
    *_methods(
        "HistGradientBoostingRegressor",
        fit="X y sample_weight X_val y_val sample_weight_val",
        predict="X",
        staged_predict="X",
    ),
    *_methods(
        "IsolationForest", fit="X y sample_weight", predict="X", decision_function="X", score_samples="X"
    ),
    *_methods(
        "RandomForestClassifier",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        apply="X",
        decision_path="X",
    ),
    *_methods("RandomForestRegressor", fit="X y sample_weight", predict="X", apply="X", decision_path="X"),
    *_methods(
        "RandomTreesEmbedding",
        fit="X y sample_weight",
        fit_transform="X y sample_weight",
        transform="X",
        apply="X",
        decision_path="X",
    ),
)
FEATURE_EXTRACTION = (*_methods("PatchExtractor", fit="X y", transform="X"),)
FEATURE_SELECTION = (
    *_methods("GenericUnivariateSelect", fit="X y", transform="X", inverse_transform="X"),
    *_methods("SelectFdr", fit="X y", transform="X", inverse_transform="X"),
    *_methods("SelectFpr", fit="X y", transform="X", inverse_transform="X"),
    *_methods("SelectFwe", fit="X y", transform="X", inverse_transform="X"),
    *_methods("SelectKBest", fit="X y", transform="X", inverse_transform="X"),
    *_methods("SelectPercentile", fit="X y", transform="X", inverse_transform="X"),
    *_methods("VarianceThreshold", fit="X y", transform="X", inverse_transform="X"),
)
GAUSSIAN_PROCESS = (
    *_methods("GaussianProcessClassifier", fit="X y", predict="X", predict_proba="X"),
    *_methods("GaussianProcessRegressor", fit="X y", predict="X", sample_y="X"),
)
IMPUTE = (
    *_methods("KNNImputer", fit="X y", transform="X"),
    *_methods("MissingIndicator", fit="X y", fit_transform="X y", transform="X"),
    *_methods("SimpleImputer", fit="X y", transform="X", inverse_transform="X"),
)
ISOTONIC = (*_methods("IsotonicRegression", fit="X y sample_weight", predict="T", transform="T"),)
KERNEL_APPROXIMATION = (
    *_methods("AdditiveChi2Sampler", fit="X y", transform="X"),
    *_methods("Nystroem", fit="X y", transform="X"),
    *_methods("PolynomialCountSketch", fit="X y", transform="X"),
    *_methods("RBFSampler", fit="X y", transform="X"),
    *_methods("SkewedChi2Sampler", fit="X y", transform="X"),
)
KERNEL_RIDGE = (*_methods("KernelRidge", fit="X y sample_weight", predict="X"),)
LINEAR_MODEL = (
    *_methods("ARDRegression", fit="X y", predict="X"),
    *_methods("BayesianRidge", fit="X y sample_weight", predict="X"),
    *_methods("ElasticNet", fit="X y sample_weight", predict="X"),
    *_methods("ElasticNetCV", fit="X y sample_weight", predict="X"),
    *_methods("GammaRegressor", fit="X y sample_weight", predict="X", score="X y sample_weight"),
    *_methods("HuberRegressor", fit="X y sample_weight", predict="X"),
    *_methods("Lars", fit="X y Xy", predict="X"),
    *_methods("LarsCV", fit="X y", predict="X"),
    *_methods("Lasso", fit="X y sample_weight", predict="X"),
    *_methods("LassoCV", fit="X y sample_weight", predict="X"),
    *_methods("LassoLars", fit="X y Xy", predict="X"),
    *_methods("LassoLarsCV", fit="X y", predict="X"),
    *_methods("LassoLarsIC", fit="X y", predict="X"),
    *_methods("LinearRegression", fit="X y sample_weight", predict="X"),
    *_methods(
        "LogisticRegression",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        decision_function="X",
    ),
    *_methods(
        "LogisticRegressionCV",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        decision_function="X",
        score="X y sample_weight",
    ),
    *_methods("MultiTaskElasticNet", fit="X y sample_weight", predict="X"),
    *_methods("MultiTaskElasticNetCV", fit="X y sample_weight", predict="X"),
    *_methods("MultiTaskLasso", fit="X y sample_weight", predict="X"),
    *_methods("MultiTaskLassoCV", fit="X y sample_weight", predict="X"),
    *_methods("OrthogonalMatchingPursuit", fit="X y", predict="X"),
    *_methods("OrthogonalMatchingPursuitCV", fit="X y", predict="X"),
    *_methods(
        "PassiveAggressiveClassifier",
        fit="X y coef_init intercept_init",
        partial_fit="X y classes",
        predict="X",
        decision_function="X",
    ),
    *_methods(
        "PassiveAggressiveRegressor", fit="X y coef_init intercept_init", partial_fit="X y", predict="X"
    ),
    *_methods(
        "Perceptron",
        fit="X y coef_init intercept_init sample_weight",
        partial_fit="X y classes sample_weight",
        predict="X",
        decision_function="X",
    ),
    *_methods("PoissonRegressor", fit="X y sample_weight", predict="X", score="X y sample_weight"),
    *_methods("QuantileRegressor", fit="X y sample_weight", predict="X"),
    *_methods("Ridge", fit="X y sample_weight", predict="X"),
    *_methods("RidgeCV", fit="X y sample_weight", predict="X"),
    *_methods("RidgeClassifier", fit="X y sample_weight", predict="X", decision_function="X"),
    *_methods("RidgeClassifierCV", fit="X y sample_weight", predict="X", decision_function="X"),
    *_methods(
        "SGDClassifier",
        fit="X y coef_init intercept_init sample_weight",
        partial_fit="X y classes sample_weight",
        predict="X",
        decision_function="X",
    ),
    *_methods(
        "SGDOneClassSVM",
        fit="X y coef_init offset_init sample_weight",
        partial_fit="X y sample_weight",
        predict="X",
        decision_function="X",
        score_samples="X",
    ),
    *_methods(
        "SGDRegressor",
        fit="X y coef_init intercept_init sample_weight",
        partial_fit="X y sample_weight",
        predict="X",
    ),
    *_methods("TheilSenRegressor", fit="X y", predict="X"),
    *_methods("TweedieRegressor", fit="X y sample_weight", predict="X", score="X y sample_weight"),
)
MANIFOLD = (
    *_methods("ClassicalMDS", fit="X y", fit_transform="X y"),
    *_methods("Isomap", fit="X y", fit_transform="X y", transform="X"),
    *_methods("LocallyLinearEmbedding", fit="X y", fit_transform="X y", transform="X"),
    *_methods("MDS", fit="X y", fit_transform="X y"),
    *_methods("SpectralEmbedding", fit="X y", fit_transform="X y"),
    *_methods("TSNE", fit="X y", fit_transform="X y"),
)
METRICS = (
    *_functions(
        "y_true y_pred sample_weight",
        "accuracy_score",
        "balanced_accuracy_score",
        "d2_absolute_error_score",
        "d2_pinball_score",
        "d2_tweedie_score",
        "explained_variance_score",
        "hamming_loss",
        "matthews_corrcoef",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_gamma_deviance",
        "mean_pinball_loss",
        "mean_poisson_deviance",
        "mean_squared_error",
        "mean_squared_log_error",
        "mean_tweedie_deviance",
        "median_absolute_error",
        "r2_score",
        "root_mean_squared_error",
        "root_mean_squared_log_error",
        "zero_one_loss",
    ),
    *_functions(
        "labels_true labels_pred",
        "adjusted_mutual_info_score",
        "adjusted_rand_score",
        "completeness_score",
        "fowlkes_mallows_score",
        "homogeneity_completeness_v_measure",
        "homogeneity_score",
        "normalized_mutual_info_score",
        "pair_confusion_matrix",
        "rand_score",
        "v_measure_score",
    ),
    *_functions("x y", "auc"),
    *_functions(
        "y_true y_score sample_weight",
        "average_precision_score",
        "confusion_matrix_at_thresholds",
        "coverage_error",
        "dcg_score",
        "det_curve",
        "label_ranking_average_precision_score",
        "label_ranking_loss",
        "metric_at_thresholds",
        "ndcg_score",
        "precision_recall_curve",
        "roc_curve",
    ),
    *_functions("y_true y_proba sample_weight labels", "brier_score_loss", "d2_brier_score"),
    *_functions(
        "X labels",
        "calinski_harabasz_score",
        "davies_bouldin_score",
        "silhouette_samples",
        "silhouette_score",
    ),
    *_functions(
        "y_true y_pred labels sample_weight",
        "class_likelihood_ratios",
        "classification_report",
        "confusion_matrix",
        "f1_score",
        "fbeta_score",
        "jaccard_score",
        "precision_recall_fscore_support",
        "precision_score",
        "recall_score",
    ),
    *_functions("y1 y2 labels sample_weight", "cohen_kappa_score"),
    *_functions("a b", "consensus_score"),
    *_functions("y_true y_proba sample_weight labels y_pred", "d2_log_loss_score", "log_loss"),
    *_functions("X Y Y_norm_squared X_norm_squared", "euclidean_distances"),
    *_functions("y_true pred_decision labels sample_weight", "hinge_loss"),
    *_functions("y_true y_pred", "max_error"),
    *_functions("y_true y_pred sample_weight labels", "multilabel_confusion_matrix"),
    *_functions("labels_true labels_pred contingency", "mutual_info_score"),
    *_functions(
        "X Y",
        "nan_euclidean_distances",
        "pairwise_distances",
        "pairwise_distances_argmin",
        "pairwise_distances_argmin_min",
        "pairwise_distances_chunked",
        "pairwise_kernels",
    ),
    *_functions("y_true y_score sample_weight labels", "roc_auc_score", "top_k_accuracy_score"),
)
METRICS_PAIRWISE = (
    *_functions(
        "X Y",
        "additive_chi2_kernel",
        "chi2_kernel",
        "cosine_distances",
        "cosine_similarity",
        "haversine_distances",
        "laplacian_kernel",
        "linear_kernel",
        "manhattan_distances",
        "nan_euclidean_distances",
        "paired_cosine_distances",
        "paired_distances",
        "paired_euclidean_distances",
        "paired_manhattan_distances",
        "pairwise_distances",
        "pairwise_distances_argmin",
        "pairwise_distances_argmin_min",
        "pairwise_distances_chunked",
        "pairwise_kernels",
        "polynomial_kernel",
        "rbf_kernel",
        "sigmoid_kernel",
    ),
    *_functions("X Y Y_norm_squared X_norm_squared", "euclidean_distances"),
)
MIXTURE = (
    *_methods(
        "BayesianGaussianMixture",
        fit="X y",
        fit_predict="X y",
        predict="X",
        predict_proba="X",
        score="X y",
        score_samples="X",
    ),
    *_methods(
        "GaussianMixture",
        fit="X y",
        fit_predict="X y",
        predict="X",
        predict_proba="X",
        score="X y",
        score_samples="X",
        bic="X",
        aic="X",
    ),
)
MODEL_SELECTION = (
    *_methods("GridSearchCV", fit="X y", score="X y"),
    *_methods("RandomizedSearchCV", fit="X y", score="X y"),
)
NAIVE_BAYES = (
    *_methods(
        "BernoulliNB",
        fit="X y sample_weight",
        partial_fit="X y classes sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        predict_joint_log_proba="X",
    ),
    *_methods(
        "CategoricalNB",
        fit="X y sample_weight",
        partial_fit="X y classes sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        predict_joint_log_proba="X",
    ),
    *_methods(
        "ComplementNB",
        fit="X y sample_weight",
        partial_fit="X y classes sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        predict_joint_log_proba="X",
    ),
    *_methods(
        "GaussianNB",
        fit="X y sample_weight",
        partial_fit="X y classes sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        predict_joint_log_proba="X",
    ),
    *_methods(
        "MultinomialNB",
        fit="X y sample_weight",
        partial_fit="X y classes sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        predict_joint_log_proba="X",
    ),
)
NEIGHBORS = (
    *_methods(
        "KNeighborsClassifier",
        fit="X y",
        predict="X",
        predict_proba="X",
        score="X y sample_weight",
        kneighbors="X",
        kneighbors_graph="X",
    ),
    *_methods("KNeighborsRegressor", fit="X y", predict="X", kneighbors="X", kneighbors_graph="X"),
    *_methods(
        "KNeighborsTransformer",
        fit="X y",
        fit_transform="X y",
        transform="X",
        kneighbors="X",
        kneighbors_graph="X",
    ),
    *_methods("KernelDensity", fit="X y sample_weight", sample="", score="X y", score_samples="X"),
    *_methods("LocalOutlierFactor", fit="X y", kneighbors="X", kneighbors_graph="X"),
    *_methods("NearestCentroid", fit="X y", predict="X"),
    *_methods(
        "NearestNeighbors",
        fit="X y",
        kneighbors="X",
        kneighbors_graph="X",
        radius_neighbors="X",
        radius_neighbors_graph="X",
    ),
    *_methods("NeighborhoodComponentsAnalysis", fit="X y", transform="X"),
    *_methods(
        "RadiusNeighborsClassifier",
        fit="X y",
        predict="X",
        predict_proba="X",
        score="X y sample_weight",
        radius_neighbors="X",
        radius_neighbors_graph="X",
    ),
    *_methods(
        "RadiusNeighborsRegressor", fit="X y", predict="X", radius_neighbors="X", radius_neighbors_graph="X"
    ),
    *_methods(
        "RadiusNeighborsTransformer",
        fit="X y",
        fit_transform="X y",
        transform="X",
        radius_neighbors="X",
        radius_neighbors_graph="X",
    ),
)
NEURAL_NETWORK = (
    *_methods("BernoulliRBM", fit="X y", partial_fit="X y", transform="X", score_samples="X"),
    *_methods(
        "MLPClassifier", fit="X y sample_weight", predict="X", predict_proba="X", predict_log_proba="X"
    ),
    *_methods("MLPRegressor", fit="X y sample_weight", predict="X"),
)
PIPELINE = (*_methods("FeatureUnion", fit="X y", fit_transform="X y", transform="X"),)
PREPROCESSING = (
    *_functions(
        "X",
        "add_dummy_feature",
        "binarize",
        "maxabs_scale",
        "minmax_scale",
        "normalize",
        "power_transform",
        "quantile_transform",
        "robust_scale",
        "scale",
    ),
    *_functions("y classes", "label_binarize"),
    *_methods("Binarizer", fit="X y", transform="X"),
    *_methods("FunctionTransformer", fit="X y", transform="X", inverse_transform="X"),
    *_methods("KBinsDiscretizer", fit="X y sample_weight", transform="X", inverse_transform="X"),
    *_methods("KernelCenterer", fit="K y", transform="K"),
    *_methods("LabelBinarizer", fit="y", fit_transform="y", transform="y", inverse_transform="Y"),
    *_methods("LabelEncoder", fit="y", fit_transform="y", transform="y", inverse_transform="y"),
    *_methods("MaxAbsScaler", fit="X y", partial_fit="X y", transform="X", inverse_transform="X"),
    *_methods("MinMaxScaler", fit="X y", partial_fit="X y", transform="X", inverse_transform="X"),
    *_methods("MultiLabelBinarizer", fit="y", fit_transform="y", transform="y", inverse_transform="yt"),
    *_methods("Normalizer", fit="X y", transform="X"),
    *_methods("OneHotEncoder", fit="X y", transform="X", inverse_transform="X"),
    *_methods("OrdinalEncoder", fit="X y", transform="X", inverse_transform="X"),
    *_methods("PolynomialFeatures", fit="X y", transform="X"),
    *_methods("PowerTransformer", fit="X y", fit_transform="X y", transform="X", inverse_transform="X"),
    *_methods("QuantileTransformer", fit="X y", transform="X", inverse_transform="X"),
    *_methods("RobustScaler", fit="X y", transform="X", inverse_transform="X"),
    *_methods("SplineTransformer", fit="X y sample_weight", transform="X"),
    *_methods(
        "StandardScaler",
        fit="X y sample_weight",
        partial_fit="X y sample_weight",
        transform="X",
        inverse_transform="X",
    ),
    *_methods("TargetEncoder", fit="X y", fit_transform="X y", transform="X"),
)
RANDOM_PROJECTION = (
    *_methods("GaussianRandomProjection", fit="X y", transform="X", inverse_transform="X"),
    *_methods("SparseRandomProjection", fit="X y", transform="X", inverse_transform="X"),
)
SEMI_SUPERVISED = (
    *_methods("LabelPropagation", fit="X y", predict="X", predict_proba="X"),
    *_methods("LabelSpreading", fit="X y", predict="X", predict_proba="X"),
)
SVM = (
    *_methods("LinearSVC", fit="X y sample_weight", predict="X", decision_function="X"),
    *_methods("LinearSVR", fit="X y sample_weight", predict="X"),
    *_methods("NuSVC", fit="X y sample_weight", predict="X", decision_function="X"),
    *_methods("NuSVR", fit="X y sample_weight", predict="X"),
    *_methods("OneClassSVM", fit="X y sample_weight", predict="X", decision_function="X", score_samples="X"),
    *_methods("SVC", fit="X y sample_weight", predict="X", decision_function="X"),
    *_methods("SVR", fit="X y sample_weight", predict="X"),
)
TREE = (
    *_methods(
        "DecisionTreeClassifier",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        apply="X",
        decision_path="X",
    ),
    *_methods("DecisionTreeRegressor", fit="X y sample_weight", predict="X", apply="X", decision_path="X"),
    *_methods(
        "ExtraTreeClassifier",
        fit="X y sample_weight",
        predict="X",
        predict_proba="X",
        predict_log_proba="X",
        apply="X",
        decision_path="X",
    ),
    *_methods("ExtraTreeRegressor", fit="X y sample_weight", predict="X", apply="X", decision_path="X"),
)
