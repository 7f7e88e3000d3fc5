"""``sklearn.cluster``."""

from ._dbscan import DBSCAN
from ._kmeans import KMeans
from ._minibatch import MiniBatchKMeans
from ._spectral import SpectralClustering

__all__ = ["DBSCAN", "KMeans", "MiniBatchKMeans", "SpectralClustering"]
