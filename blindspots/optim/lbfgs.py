"""Batched L-BFGS under bounds: n independent problems, each run to its end, by `batch`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from blindspots.interface import Status
from blindspots.optim.batch import FAILURES, Batch, Objective


class Minimum(NamedTuple):
    """The end of each problem.

    Attributes:
        x: (n, d) last iterate, which has the lowest value seen, except for rounding.
        value: (n,) objective there.
        status: (n,) int64, values of `Status`.
        iterations: (n,) int64, steps that succeeded.
        evaluations: (n,) int64, evaluations of the objective and its gradient.
    """

    x: Tensor
    value: Tensor
    status: Tensor
    iterations: Tensor
    evaluations: Tensor


def minimise(
    objective: Objective,
    start: Tensor,
    lower: Tensor | float,
    upper: Tensor | float,
    *,
    history: int = 10,
    max_iterations: int = 100,
    gradient_tolerance: float = 1e-5,
    value_tolerance: float = 1e-9,
) -> Minimum:
    """Minimise n functions of d variables, each within its own bounds.

    Args:
        objective: map to values and gradients, whose row i depends only on row i of the points.
        start: (n, d) float32 or float64, on any device; clipped into the bounds.
        lower: smallest values, broadcastable to (n, d).
        upper: largest values, broadcastable to (n, d).
        history: curvature pairs kept per problem.
        max_iterations: per problem.
        gradient_tolerance: a problem has converged when no entry of its projected gradient
            x − P(x − g) is larger.
        value_tolerance: or when a step lowers the value by less than this share of it.

    Returns:
        One entry per problem. A value or gradient that is not finite ends its problem with that
        status at the last finite iterate.
    """
    batch = side_by_side(objective, start, lower, upper, history=history)
    none = torch.zeros(len(start), dtype=torch.int64, device=start.device)
    result = Minimum(
        start.clone(), torch.full_like(batch.weight, torch.nan), none, none.clone(), none.clone()
    )
    while len(batch.rows):
        before = batch.value.clone()
        batch.step()
        rows, first = batch.rows, before.isinf()
        result.evaluations[rows] += 1
        result.iterations[rows] += (batch.accepted & ~first).long()
        settled = before - batch.value <= value_tolerance * batch.value.abs()
        settled |= batch.projected_gradient().abs().amax(dim=1) <= gradient_tolerance
        status = torch.full_like(rows, -1)
        status[result.iterations[rows] >= max_iterations] = Status.ITERATION_LIMIT
        status[batch.accepted & settled] = Status.CONVERGED
        failed = batch.failures >= FAILURES
        status[failed] = Status.LINE_SEARCH_FAILED
        status[(failed | first) & ~batch.finite] = Status.NON_FINITE
        ended = status >= 0
        at = rows[ended]
        result.x[at], result.value[at] = batch.x[ended], batch.value[ended]
        result.status[at] = status[ended]
        batch.replace(ended)
    return result


def side_by_side(
    objective: Objective,
    start: Tensor,
    lower: Tensor | float,
    upper: Tensor | float,
    *,
    history: int,
) -> Batch:
    """The kind of batch (see `Batch`) that is fastest on the problems' device."""
    if start.device.type == "cpu":
        from blindspots.optim.compiled import CompiledBatch

        return CompiledBatch(objective, start, lower, upper, history=history)
    return Batch(objective, start, lower, upper, history=history)
