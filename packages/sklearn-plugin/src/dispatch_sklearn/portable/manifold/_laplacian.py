"""The eigenvectors of a graph's normalized Laplacian, on dense affinities.

References
----------
.. [1] U. von Luxburg, "A tutorial on spectral clustering", Statistics and Computing 17, 2007.
.. [2] G. H. Golub, C. F. Van Loan, "Matrix Computations", 4th ed., Johns Hopkins, 2013, sections 8.2.4 and 10.3.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from dispatch_core.plugin_api import current_options
from sklearn.utils import check_array

from .._distances import blocks, wide
from .._shared import constant, device, namespace
from ._steps import inverse_of, summed

__all__ = ["DIFFERENCES", "dense_solver", "embedding_of", "neighbor_affinity", "small_graph"]

Array = Any
DIFFERENCES = ("affinity_matrix_ is dense, that of neighbours too, where the library's is sparse",)
#: As large as that matrices are decomposed as a whole.
_SMALL = 400
#: Eigenvalues are looked for next to this one, where the shifted matrix of a Laplacian is positive definite.
_SHIFT = -1e-5
#: Vectors more than wanted, blocks of vectors between two restarts, and restarts.
_MORE, _BLOCKS, _RESTARTS = 4, 5, 20
#: Residuals of an eigenvector of the inverse that are this small, relative, are taken for rounding.
_RESIDUAL = 1e-10
#: Points whose graph of neighbours isn't made a dense matrix when selected.
_MANY = 5000
#: Neighbours of fewer than one point in so many make a graph that is decomposed faster sparse on a CPU.
_FEW = 20


def dense_solver(self: Any) -> str | None:
    """eigen_solver="amg", which needs sparse matrices"""
    return "eigen_solver='amg' is for sparse matrices of SciPy" if self.eigen_solver == "amg" else None


def small_graph(self: Any, X: Any) -> str | None:
    """graphs of few neighbours of many points, which the library keeps sparse"""
    n = getattr(X, "shape", (0,))[0]
    if self.affinity not in ("nearest_neighbors", "precomputed_nearest_neighbors") or n <= _SMALL:
        return None
    count = max(n // 10, 1) if self.n_neighbors is None else self.n_neighbors
    few = count * _FEW < n and current_options().device in (None, "cpu")
    if n > _MANY or few:
        return (
            f"the graph of {count} neighbours of each of {n} points is sparse in the library, and dense here"
        )
    return None


def neighbor_affinity(neighbors: Array, like: Array) -> Array:
    """1 for points that are each other's neighbours, a half for those of which one is the other's, 0 for others.

    Parameters
    ----------
    neighbors : array of shape (n, k)
    like : array
        Has the dtype.
    """
    xp = namespace(neighbors)
    n, k = neighbors.shape
    rows = xp.arange(n * k, dtype=xp.int64, device=device(neighbors)) // k
    at = rows * n + xp.astype(xp.reshape(neighbors, (-1,)), xp.int64, copy=False)
    ones = xp.ones((n * k,), dtype=like.dtype, device=device(neighbors))
    graph = xp.reshape(summed(at, ones, n * n), (n, n))
    return 0.5 * (graph + graph.T)


def _close(first: Array, second: Array) -> bool:
    xp = namespace(first)
    return bool(xp.all(first == second)) or bool(
        xp.all(xp.abs(first - second) <= 1e-10 + 1e-5 * xp.abs(second))
    )


def _symmetric(affinity: Array) -> Array:
    if affinity.ndim != 2 or affinity.shape[0] != affinity.shape[1]:
        raise ValueError(f"array must be 2-dimensional and square. shape = {tuple(affinity.shape)}")
    n = affinity.shape[0]
    if all(_close(affinity[part, :], affinity[:, part].T) for part in blocks(n, n, affinity)):
        return affinity
    warnings.warn(
        "Array is not symmetric, and will be converted to symmetric by average with its transpose.",
        stacklevel=3,
    )
    return 0.5 * (affinity + affinity.T)


def _connected(affinity: Array) -> bool:
    """Whether all points can be reached from the first."""
    xp = namespace(affinity)
    edges = affinity != 0
    numbers = xp.arange(affinity.shape[0], dtype=xp.int64, device=device(affinity))
    reached = fresh = numbers == 0
    while True:
        found = xp.any(xp.take(edges, xp.nonzero(fresh)[0], axis=0), axis=0)
        fresh = found & ~reached
        if not bool(xp.any(fresh)):
            return bool(xp.all(reached))
        reached = reached | fresh


def embedding_of(
    affinity: Array,
    n_components: int,
    *,
    eigen_solver: str | None,
    eigen_tol: float | str,
    random_state: np.random.RandomState,
    drop_first: bool,
) -> Array:
    """The eigenvectors of the smallest eigenvalues divided by the square roots of the degrees, as columns.

    Parameters
    ----------
    affinity : array of shape (n, n)
    n_components : int
    eigen_solver : str or None
        Decides, with the size of the graph, which random numbers are drawn.
    eigen_tol : float or "auto"
    random_state : RandomState
    drop_first : bool
        Leave out the first vector, which is constant on connected graphs.
    """
    xp = namespace(affinity)
    affinity = _symmetric(affinity)
    if not xp.isdtype(affinity.dtype, "real floating"):
        affinity = xp.astype(affinity, wide(affinity))
    wanted = n_components + drop_first
    if not _connected(affinity):
        warnings.warn(
            "Graph is not fully connected, spectral embedding may not work as expected.", stacklevel=2
        )
    n = affinity.shape[0]
    similar = xp.astype(affinity, wide(affinity), copy=False)
    degrees = xp.sum(similar, axis=0) - xp.linalg.diagonal(similar)
    roots = check_array(xp.where(degrees == 0, xp.ones_like(degrees), xp.sqrt(degrees))[:, None])
    laplacian = similar * (-1 / roots)
    laplacian *= 1 / roots.T
    vectors = _smallest(laplacian, wanted, _drawn(n, wanted, eigen_solver, random_state), eigen_tol)
    vectors = xp.astype(vectors / roots, affinity.dtype)
    vectors = vectors * _signs(vectors)
    return vectors[:, 1:wanted] if drop_first else vectors[:, :wanted]


def _drawn(n: int, wanted: int, solver: str | None, random_state: np.random.RandomState) -> np.ndarray:
    """What the library draws to start its solvers from."""
    if solver != "lobpcg":
        return random_state.uniform(-1, 1, n)[:, None]
    if n < 5 * wanted + 1:
        return np.ones((n, 1))
    return random_state.standard_normal(size=(n, wanted + 1))


def _signs(vectors: Array) -> Array:
    """Signs that make the entry of the largest magnitude of each column positive."""
    xp = namespace(vectors)
    largest = xp.argmax(xp.abs(vectors), axis=0)[None, :]
    return xp.sign(xp.take_along_axis(vectors, largest, axis=0))


def _smallest(laplacian: Array, wanted: int, start: np.ndarray, tol: float | str) -> Array:
    """The eigenvectors, as columns, of the eigenvalues next to the shift, in rising order.

    The diagonal of the matrix is written to; that of the Laplacian is 1.
    """
    xp = namespace(laplacian)
    n = laplacian.shape[0]
    if wanted >= n:
        raise TypeError(
            f"Cannot find {wanted} eigenvectors of a graph of {n} points: n_components has to be smaller."
        )
    laplacian = xp.reshape(laplacian, (-1,))
    size = _BLOCKS * (wanted + _MORE)
    if n > max(_SMALL, 4 * size):
        laplacian[:: n + 1] = 1.0 - _SHIFT
        least = _RESIDUAL if isinstance(tol, str) else max(tol, _RESIDUAL)
        found = _by_inverse(xp.reshape(laplacian, (n, n)), wanted, start, least)
        if found is not None:
            return found
    laplacian[:: n + 1] = 1.0
    values, vectors = xp.linalg.eigh(xp.reshape(laplacian, (n, n)))
    nearest = xp.argsort(xp.abs(values - _SHIFT), stable=True)[:wanted]
    return xp.take(vectors, xp.sort(nearest), axis=1)


def _by_inverse(shifted: Array, wanted: int, start: np.ndarray, tol: float) -> Array | None:
    """Krylov iterations on a block of vectors with the inverse of a matrix [2]_: eigenvectors of its largest values.

    None where the matrix isn't positive definite, or residuals stay large.
    """
    xp = namespace(shifted)
    inverse = inverse_of(shifted)
    if inverse is None:
        return None
    width = wanted + _MORE
    block = xp.linalg.qr(constant(_block(start, shifted.shape[0], width), shifted))[0]
    image = inverse(block)
    for _ in range(_RESTARTS):
        basis, images = block, [image]
        for _ in range(1, _BLOCKS):
            for _ in range(2):  # once more for what rounding left
                image = image - basis @ (basis.T @ image)
                image = xp.linalg.qr(image)[0]
            basis = xp.concat([basis, image], axis=1)
            image = inverse(image)
            images.append(image)
        together = xp.concat(images, axis=1)
        projected = basis.T @ together
        values, turn = xp.linalg.eigh((projected + projected.T) / 2)
        values, turn = xp.flip(values)[:width], xp.flip(turn, axis=1)[:, :width]
        block, image = basis @ turn, together @ turn
        residuals = xp.linalg.vector_norm((image - block * values)[:, :wanted], axis=0)
        rounding = float(xp.finfo(shifted.dtype).eps) * 10 * values[0]
        if bool(xp.all(residuals <= tol * values[:wanted] + rounding)):
            return block[:, :wanted]
    return None


def _block(start: np.ndarray, n: int, width: int) -> np.ndarray:
    """Vectors to start from: what was drawn, and others."""
    others = np.random.RandomState(0).uniform(-1, 1, (n, width))
    others[:, : start.shape[1]] = start[:, :width]
    return others
