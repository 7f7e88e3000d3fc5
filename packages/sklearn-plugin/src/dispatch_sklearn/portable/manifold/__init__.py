"""``sklearn.manifold``."""

from ._spectral_embedding import SpectralEmbedding
from ._t_sne import TSNE

__all__ = ["TSNE", "SpectralEmbedding"]
