"""Batched projection onto polyhedra within boxes: n independent small quadratic programs.

Each is min ½‖x − c‖² subject to A (x − c) ≥ b and lower ≤ x ≤ upper, with few constraints and many
variables. The box is eliminated by clipping: x(λ) = P(c + Aᵀ λ) minimises the Lagrangian over it,
so that the dual has one multiplier λ ≥ 0 per constraint. The dual is concave and its gradient
piecewise linear; a projected Newton method (Bertsekas 1982, SIAM J. Control Optim. 20) with the
generalised Hessian A D Aᵀ, D selecting the variables that are not clipped, ends after a few steps.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from blindspots.interface import Status

SUFFICIENT_DECREASE = 1e-4
BACKTRACKS = 8
SHRINK = 0.3
RIDGE = 1e-6
"""Least ridge of the Hessian, relative to ‖a‖²: it may be singular; grows where a step fails."""
ROUNDINGS = 16
"""By which a value may rise: near the end its decrease is below what it can show."""


class Nearest(NamedTuple):
    """The end of each problem.

    Attributes:
        x: (n, d) nearest points found, within their boxes.
        violation: (n,) largest amount by which a constraint is missed, over ‖a‖.
        status: (n,) int64: CONVERGED, or INFEASIBLE where a constraint is still missed.
    """

    x: Tensor
    violation: Tensor
    status: Tensor


def nearest(
    centre: Tensor,
    normals: Tensor,
    offsets: Tensor,
    lower: Tensor | float,
    upper: Tensor | float,
    *,
    max_iterations: int = 15,
    tolerance: float = 1e-6,
) -> Nearest:
    """The point of each polyhedron and box that is nearest to its centre.

    Args:
        centre: (n, d) float32 or float64, within the box.
        normals: (n, m, d) rows a of the constraints a · (x − c) ≥ b.
        offsets: (n, m) b.
        lower: smallest values, broadcastable to (n, d).
        upper: largest values, likewise.
        max_iterations: Newton steps.
        tolerance: a problem has converged when no constraint is missed by more than this distance,
            and none that is not tight has a multiplier.
    """
    low, high = lower - centre, upper - centre
    scale = normals.square().sum(dim=2).clamp_min(torch.finfo(centre.dtype).tiny)
    identity = torch.eye(normals.shape[1], dtype=centre.dtype, device=centre.device)

    def evaluate(multipliers: Tensor) -> tuple[Tensor, ...]:
        """Minus the dual, its gradient, the step r = x − c, and which variables are not clipped."""
        wanted = torch.bmm(multipliers[:, None], normals)[:, 0]
        step = wanted.clamp(low, high)
        slack = torch.bmm(normals, step[:, :, None])[:, :, 0] - offsets
        value = (multipliers * slack).sum(dim=1) - step.square().sum(dim=1) / 2
        return value, slack, step, wanted == step

    multipliers = torch.zeros_like(offsets)
    value, slack, step, free = evaluate(multipliers)
    ridge = torch.full_like(value, RIDGE)
    for _ in range(max_iterations):
        # The complementarity residual, as a distance.
        residual = torch.minimum(multipliers * scale.sqrt(), slack / scale.sqrt()).abs()
        if (residual.amax(dim=1) <= tolerance).all():
            break
        held = (multipliers <= 0) & (slack >= 0)
        moving = (~held).to(centre.dtype)
        clipped = normals * free[:, None]
        hessian = torch.bmm(clipped, normals.mT) * moving[:, :, None] * moving[:, None]
        hessian = hessian + identity * (ridge[:, None] * scale + (1 - moving))[:, None]
        direction = torch.linalg.solve(hessian, slack * moving)
        rounding = ROUNDINGS * torch.finfo(value.dtype).eps * value.abs()
        t = torch.ones_like(value)
        waiting = torch.ones_like(value, dtype=torch.bool)
        state = [multipliers, value, slack, step, free]
        for _ in range(BACKTRACKS):
            trial = (multipliers - t[:, None] * direction).clamp_min(0)
            reached = evaluate(trial)
            slope = (slack * (trial - multipliers)).sum(dim=1)
            good = waiting & (reached[0] <= value + SUFFICIENT_DECREASE * slope + rounding)
            state = [
                torch.where(good.view(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip((trial, *reached), state, strict=True)
            ]
            waiting &= ~good
            if not waiting.any():
                break
            t = torch.where(waiting, t * SHRINK, t)
        ridge = torch.where(waiting, ridge * 100, (ridge / 10).clamp_min(RIDGE))
        multipliers, value, slack, step, free = state
    violation = (-slack / scale.sqrt()).amax(dim=1).clamp_min(0)
    status = torch.full_like(value, Status.CONVERGED, dtype=torch.int64)
    status[violation > 10 * tolerance] = Status.INFEASIBLE
    return Nearest(centre + step, violation, status)
