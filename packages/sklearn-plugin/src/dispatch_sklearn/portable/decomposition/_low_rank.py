"""The largest singular values and vectors of a matrix: by random projection, by the Gram matrix, by Lanczos' method."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.extmath import svd_flip

from .._scatter import triangle
from .._shared import constant, device, namespace, on_cpu

__all__ = ["LowRank", "by_krylov", "by_projection", "reducible"]

Array = Any
#: The longest side of a Gram matrix whose eigenvectors are all computed.
_SMALL = 1024
#: Residuals of Lanczos' vectors that are this small, in units of rounding, don't get smaller.
_REACHED = 100.0


class LowRank(NamedTuple):
    """Singular values in descending order, right singular vectors as rows, and left ones scaled by the values.

    ``left`` makes the last from the matrix: ``matrix @ left``; or they are there as `scores`, if they were asked for.
    """

    values: Array
    right: Array
    left: Array | None = None
    scores: Array | None = None


def by_projection(
    matrix: Array,
    rank: int,
    *,
    oversamples: int,
    iterations: int | str,
    normalizer: str,
    random_state: np.random.RandomState,
    scores: bool = False,
    factor: Array | None = None,
) -> LowRank:
    """The largest singular triplets by power iterations on random vectors.

    Where the matrix is so tall that its triangular factor costs less than the iterations, they run on that: its
    singular values and right vectors are those of the matrix. `factor` is that factor, where it is known.

    References
    ----------
    .. [1] N. Halko, P. G. Martinsson, J. A. Tropp, "Finding structure with randomness", SIAM Review 53, 2011,
       algorithms 4.3, 4.4 and 5.1.
    """
    xp = namespace(matrix)
    shape = matrix.shape
    steps = _iterations(iterations, rank, shape)
    wide = shape[0] < shape[1]
    tall = matrix.T if wide else matrix
    drawn = random_state.normal(size=(tall.shape[1], rank + oversamples)).astype(_dtype_name(matrix))
    if factor is None and reducible(shape, rank, oversamples, iterations):
        factor = triangle(matrix)
    work = tall if factor is None else factor
    rows = constant(drawn.T.copy(), matrix)
    normalized = _normalizer(normalizer, steps)
    for _ in range(steps):
        rows = normalized((normalized(work @ rows.T).T @ work).T).T
    basis, coefficients = xp.linalg.qr(work @ rows.T)
    u, values, right = xp.linalg.svd(basis.T @ work, full_matrices=False)
    u, values, right = u[:, :rank], values[:rank], right[:rank, :]
    if wide:
        left = basis @ u
        right, left = svd_flip(right.T, left.T, u_based_decision=False)
        return LowRank(values, left, scores=right * values if scores else None)
    u, right = svd_flip(u, right, u_based_decision=False)
    if not scores:
        return LowRank(values, right)
    if factor is None:
        return LowRank(values, right, scores=basis @ (u * values))
    return LowRank(values, right, left=rows.T @ (xp.linalg.pinv(coefficients) @ (u * values)))


def reducible(shape: tuple[int, int], rank: int, oversamples: int, iterations: int | str) -> bool:
    """Whether `by_projection` works on the triangular factor: where that costs less than the iterations on the rest."""
    rows, columns = shape
    steps = _iterations(iterations, rank, shape)
    return rows >= 8 * columns and 3 * columns <= 2 * (steps + 1) * (rank + oversamples)


def _iterations(given: int | str, rank: int, shape: tuple[int, int]) -> int:
    if given == "auto":
        return 7 if rank < 0.1 * min(shape) else 4
    return int(given)


def _dtype_name(x: Array) -> str:
    return str(x.dtype).rpartition(".")[2]


def _normalizer(name: str, iterations: int) -> Any:
    """What keeps the columns of a matrix apart without changing what they span."""
    if name == "auto":
        name = "none" if iterations <= 2 else "LU"
    if name == "none":
        return lambda columns: columns
    return _orthonormal if name == "QR" else _lower


def _orthonormal(columns: Array) -> Array:
    return namespace(columns).linalg.qr(columns)[0]


def _lower(columns: Array) -> Array:
    """The lower factor of an LU decomposition, rows in their old order; orthonormal columns where there is none."""
    xp = namespace(columns)
    rows, count = columns.shape
    if rows < count or not hasattr(xp.linalg, "lu_factor_ex") or not on_cpu(columns):
        return _orthonormal(columns)
    packed, pivots, _ = xp.linalg.lu_factor_ex(columns)  # a singular upper factor is no matter
    order = np.arange(rows)
    for row, pivot in enumerate(pivots.tolist()):
        order[[row, pivot - 1]] = order[[pivot - 1, row]]
    packed[:count, :] = xp.tril(packed[:count, :], k=-1) + xp.eye(
        count, dtype=packed.dtype, device=device(packed)
    )
    moved = np.flatnonzero(order != np.arange(rows))
    if moved.size:
        index = xp.asarray(moved, device=device(packed))
        packed[xp.asarray(order[moved], device=device(packed)), :] = xp.take(packed, index, axis=0)
    return packed


def by_krylov(matrix: Array, rank: int, tol: float, random_state: np.random.RandomState) -> LowRank:
    """The largest singular triplets from the eigenvectors of the smaller Gram matrix, as ``svds`` of SciPy finds them.

    The values come from the matrix itself, projected on these vectors. A Gram matrix of moderate size is decomposed
    as it is; on a larger one Lanczos' iterations run, until the residuals are below `tol`, 0 for what the dtype allows.
    """
    xp = namespace(matrix)
    wide = matrix.shape[0] < matrix.shape[1]
    size = min(matrix.shape)
    if not 0 < rank < size:
        raise ValueError(f"`k` must be an integer satisfying `0 < k < min(A.shape)`, got k={rank}")
    start = random_state.uniform(-1, 1, size)
    if size <= _SMALL:
        gram = matrix @ matrix.T if wide else matrix.T @ matrix
        vectors = xp.flip(xp.linalg.eigh(gram)[1][:, size - rank :], axis=1)
    else:
        vectors = _lanczos(matrix, wide, rank, tol * tol, start)
    if wide:
        values, right = xp.linalg.svd(vectors.T @ matrix, full_matrices=False)[1:]
    else:
        values, turn = xp.linalg.svd(triangle(matrix @ vectors), full_matrices=False)[1:]
        right = turn @ vectors.T
    return LowRank(values, svd_flip(None, right, u_based_decision=False)[1])


def _lanczos(matrix: Array, wide: bool, rank: int, tol: float, start: np.ndarray) -> Array:
    """Orthonormal eigenvectors, as columns, of the largest eigenvalues of the smaller Gram matrix of a matrix.

    References
    ----------
    .. [1] K. Wu, H. Simon, "Thick-restart Lanczos method for large symmetric eigenvalue problems", SIAM J. Matrix
       Anal. Appl. 22, 2000.
    """
    xp = namespace(matrix)
    size = min(matrix.shape)
    room = min(size, max(3 * rank, rank + 40))
    keep = min(room - 1, rank + (room - rank) // 3)
    basis = xp.zeros((room + 1, size), dtype=matrix.dtype, device=device(matrix))
    images = xp.zeros((room, size), dtype=matrix.dtype, device=device(matrix))
    first = constant(start, matrix)
    basis[0, :] = first / xp.linalg.vector_norm(first)
    epsilon = float(xp.finfo(matrix.dtype).eps)
    other = np.random.RandomState(0)
    done, scale = 0, 0.0
    for _ in range(10 * size):
        for step in range(done, room):
            vector = basis[step, :]
            image = matrix @ (matrix.T @ vector) if wide else (matrix @ vector) @ matrix
            images[step, :] = image
            scale = max(scale, float(xp.linalg.vector_norm(image)))
            known = basis[: step + 1, :]
            image = _apart(image, known)
            length = float(xp.linalg.vector_norm(image))
            if length <= _REACHED * epsilon * scale:  # nothing new: what is known maps to itself
                length = 0.0
                image = _apart(constant(other.uniform(-1, 1, size), matrix), known)
            basis[step + 1, :] = image / xp.linalg.vector_norm(image)
        projected = basis[:room, :] @ images.T
        eigenvalues, turn = xp.linalg.eigh((projected + projected.T) / 2)
        turn = xp.flip(turn, axis=1)[:, :keep]
        residuals = length * xp.abs(turn[room - 1, :rank])
        largest = xp.flip(eigenvalues)
        bound = xp.maximum(tol * xp.abs(largest[:rank]), _REACHED * epsilon * xp.abs(largest[:1]))
        if bool(xp.all(residuals <= bound)):
            break
        last = basis[room, :]
        basis[:keep, :] = turn.T @ basis[:room, :]
        images[:keep, :] = turn.T @ images
        basis[keep, :] = last
        done = keep
    return _orthonormal(basis[:room, :].T @ turn[:, :rank])


def _apart(vector: Array, known: Array) -> Array:
    """The part of a vector that is orthogonal to rows; once more for what rounding left."""
    for _ in range(2):
        vector = vector - (known @ vector) @ known
    return vector
