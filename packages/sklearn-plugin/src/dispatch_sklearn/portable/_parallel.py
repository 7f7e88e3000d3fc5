"""Work on blocks of rows, on the threads that the arrays' library has for it.

A library's own threads meet after every operation, which for blocks that fit a cache costs more than the operation, and
far more where another program holds up one of them. Here each thread does all operations on a block and takes the next.
What must stay true: results don't depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from dispatch_core.plugin_api import in_parallel

__all__ = ["added", "in_runs", "summed"]

Array = Any
T = TypeVar("T")
#: Runs that the blocks are divided into: a few for each thread, so that a slow one doesn't keep the others waiting.
_RUNS = 8


def in_runs(
    like: Array, work: Callable[[list[slice]], T], blocks: Sequence[slice], runs: int = _RUNS
) -> list[T]:
    """What `work` returns for each of some runs of consecutive blocks, in their order."""
    per_run = -(-len(blocks) // runs)
    return in_parallel(
        like, work, [(list(blocks[i : i + per_run]),) for i in range(0, len(blocks), max(per_run, 1))]
    )


def summed(like: Array, compute: Callable[[slice], Sequence[Array]], blocks: Sequence[slice]) -> list[Array]:
    """The sums over all blocks, of which there is at least one, of the arrays that `compute` makes of each.

    The arrays must be its own to give away: they are added up in place.
    """

    def total(run: list[slice]) -> list[Array]:
        return added(compute(block) for block in run)

    return added(in_runs(like, total, blocks))


def added(groups: Iterable[Sequence[Array]]) -> list[Array]:
    """The sums of the first arrays of all groups, of the second ones and so on; the first group is written to."""
    totals: list[Array] = []
    for group in groups:
        if not totals:
            totals = list(group)
        else:
            for i, part in enumerate(group):
                totals[i] += part
    return totals
