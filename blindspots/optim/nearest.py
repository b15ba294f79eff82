"""Batched projection onto polyhedra within boxes: n independent small quadratic programs.

Each is min ½‖x − c‖² subject to A (x − c) ≥ b and lower ≤ x ≤ upper, with few constraints and many
variables. The box is eliminated by clipping: x(λ) = P(c + Aᵀ λ) minimises the Lagrangian over it,
so that the dual has one multiplier λ ≥ 0 per constraint. The dual is concave and its gradient
piecewise linear; a projected Newton method (Bertsekas 1982, SIAM J. Control Optim. 20) with the
generalised Hessian A D Aᵀ, D selecting the variables that are not clipped, ends after a few steps.
Few constraints are tight at the end: each problem is solved for a few of them, then again with
those that the solution misses, until it misses none.
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
"""Least ridge of the Hessian, which may be singular, relative to ‖a‖²; it grows when a step
fails."""
FEW = 4
"""Constraints of a problem at a time, as long as they suffice."""
PASSES = 3
"""Choices of constraints after which a problem is solved for all of them."""
ROUNDINGS = 16
"""Tolerated rise of a value, since near the end its decrease is below its resolution."""


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
        upper: largest values, broadcastable to (n, d).
        max_iterations: Newton steps for one choice of constraints.
        tolerance: a problem has converged when no constraint is missed by more than this distance,
            and none that is not tight has a multiplier.
    """
    m = normals.shape[1]
    low, high = lower - centre, upper - centre
    length = normals.norm(dim=2).clamp_min(torch.finfo(centre.dtype).tiny)
    multipliers, step, slack = torch.zeros_like(offsets), torch.zeros_like(centre), -offsets
    for few in [FEW] * PASSES + [m] if m > FEW else [m]:
        rows = ((-slack / length).amax(dim=1) > tolerance).nonzero()[:, 0]
        if len(rows) == 0:
            break
        urgency = (-slack / length).masked_fill(multipliers > 0, torch.inf)
        chosen = urgency[rows].topk(few, dim=1).indices
        at = rows[:, None]
        solved = _solve(
            normals[at, chosen],
            offsets[at, chosen],
            low[rows],
            high[rows],
            multipliers[at, chosen],
            max_iterations,
            tolerance,
        )
        multipliers[rows] = 0
        multipliers[at, chosen], step[rows] = solved
        slack[rows] = torch.bmm(normals[rows], step[rows, :, None])[:, :, 0] - offsets[rows]
    violation = (-slack / length).amax(dim=1).clamp_min(0)
    status = torch.full_like(violation, Status.CONVERGED, dtype=torch.int64)
    status[violation > 10 * tolerance] = Status.INFEASIBLE
    return Nearest(centre + step, violation, status)


class _Dual:
    """Minus the dual of some problems at their multipliers, and the values that follow from them.

    Attributes:
        multipliers: (k, m).
        value: (k,).
        slack: (k, m) its gradient: by how much the constraints are met.
        step: (k, d) x − c.
        free: (k, d) which variables are not clipped.
    """

    FIELDS = ("multipliers", "value", "slack", "step", "free")

    def __init__(self, problem: list[Tensor], multipliers: Tensor) -> None:
        normals, offsets, low, high = problem
        wanted = torch.bmm(multipliers[:, None], normals)[:, 0]
        self.multipliers = multipliers
        self.step = wanted.clamp(low, high)
        self.free = (wanted == self.step).to(normals.dtype)
        self.slack = torch.bmm(normals, self.step[:, :, None])[:, :, 0] - offsets
        self.value = (multipliers * self.slack).sum(dim=1) - self.step.square().sum(dim=1) / 2

    def put(self, rows: Tensor, other: _Dual, at: Tensor) -> None:
        for name in self.FIELDS:
            getattr(self, name)[rows] = getattr(other, name)[at]

    def select(self, rows: Tensor) -> None:
        for name in self.FIELDS:
            setattr(self, name, getattr(self, name).index_select(0, rows))


def _solve(normals, offsets, low, high, multipliers, max_iterations, tolerance):
    """Multipliers (n, m) and steps (n, d) at the minimum of minus the dual."""
    problem = [normals, offsets, low, high]
    tiny = torch.finfo(normals.dtype).tiny
    scale = normals.square().sum(dim=2).clamp_min(tiny)
    # If its normal is numerically 0, a constraint is met everywhere or nowhere.
    active = RIDGE * scale >= tiny
    identity = torch.eye(normals.shape[1], dtype=normals.dtype, device=normals.device)
    here = _Dual(problem, multipliers)
    end = here.multipliers.clone(), here.step.clone()
    ridge = torch.full_like(here.value, RIDGE)
    rows = torch.arange(len(normals), device=normals.device)
    for _ in range(max_iterations):
        # The complementarity residual, as a distance.
        length = scale.sqrt()
        residual = torch.minimum(here.multipliers * length, here.slack / length).abs() * active
        going = (residual.amax(dim=1) > tolerance).nonzero()[:, 0]
        if len(going) < len(rows):
            end[0][rows], end[1][rows] = here.multipliers, here.step
            if len(going) == 0:
                return end
            here.select(going)
            problem = [t.index_select(0, going) for t in problem]
            rows, scale, ridge = rows[going], scale[going], ridge[going]
            active = active[going]
        held = ((here.multipliers <= 0) & (here.slack >= 0)) | ~active
        moving = (~held).to(scale.dtype)
        clipped = problem[0] * here.free[:, None]
        hessian = torch.bmm(clipped, problem[0].mT) * moving[:, :, None] * moving[:, None]
        hessian = hessian + identity * (ridge[:, None] * scale + (1 - moving))[:, None]
        direction = torch.linalg.solve(hessian, here.slack * moving)
        ridge = _search(problem, here, direction, ridge)
    end[0][rows], end[1][rows] = here.multipliers, here.step
    return end


def _search(problem: list[Tensor], here: _Dual, direction: Tensor, ridge: Tensor) -> Tensor:
    """Search along the projected direction until the value falls; return the next step's ridge."""
    rounding = ROUNDINGS * torch.finfo(direction.dtype).eps * here.value.abs()
    waiting = torch.arange(len(direction), device=direction.device)
    t = 1.0
    for _ in range(BACKTRACKS):
        part = problem if t == 1 else [p.index_select(0, waiting) for p in problem]
        start = here.multipliers[waiting]
        trial = _Dual(part, (start - t * direction[waiting]).clamp_min(0))
        slope = (here.slack[waiting] * (trial.multipliers - start)).sum(dim=1)
        least = here.value[waiting] + SUFFICIENT_DECREASE * slope + rounding[waiting]
        good = trial.value <= least
        if t == 1 and good.all():
            vars(here).update(vars(trial))
            return (ridge / 10).clamp_min(RIDGE)
        at = good.nonzero()[:, 0]
        here.put(waiting[at], trial, at)
        waiting = waiting[~good]
        if len(waiting) == 0:
            break
        t *= SHRINK
    return (ridge / 10).clamp_min(RIDGE).index_copy(0, waiting, 100 * ridge[waiting])
