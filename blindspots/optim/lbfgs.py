"""Batched L-BFGS under bounds: n independent problems side by side.

A projected quasi-Newton method. Each problem has its own bounds, curvature pairs, step length,
convergence test and status; a problem that has ended leaves the batch. Two-metric projection
(Bertsekas 1982, "Projected Newton methods for optimization problems with simple constraints", SIAM
J. Control Optim. 20) was chosen over L-BFGS-B's generalised Cauchy point (Byrd, Lu, Nocedal, Zhu
1995) because every step is then the same few tensor operations for all problems; Cauchy points need
a walk over breakpoints that differs per problem.

The equations cited as (N&W) are those of Nocedal and Wright, "Numerical Optimization", 2nd edition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from blindspots.interface import Status

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(points (k, d), problem numbers (k,)) to values (k,) and gradients (k, d)."""

SUFFICIENT_DECREASE = 1e-4  # (N&W 3.4)
BACKTRACKS = 20
CURVATURE = 1e-8  # smallest cosine of a step and its change of gradient for a pair to be kept


class Minimum(NamedTuple):
    """The end of each problem.

    Attributes:
        x: (n, d) last iterate, the lowest value seen.
        value: (n,) objective there.
        status: (n,) int64, values of `Status`.
        iterations: (n,) int64.
        evaluations: (n,) int64, of the objective and its gradient.
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
        objective: values and gradients; row i of them depends on row i of its points alone.
        start: (n, d) float32 or float64, on any device; clipped into the bounds.
        lower: smallest values, broadcastable to (n, d).
        upper: largest values, likewise.
        history: curvature pairs kept per problem.
        max_iterations: per problem.
        gradient_tolerance: a problem has converged when no entry of its projected gradient
            x − P(x − g) is larger.
        value_tolerance: or when a step lowers the value by less than this share of it.

    Returns:
        One entry per problem. A value or gradient that is not finite ends its problem with that
        status at the last finite iterate.
    """
    n, d = start.shape
    lower = torch.as_tensor(lower, dtype=start.dtype, device=start.device).expand(n, d)
    upper = torch.as_tensor(upper, dtype=start.dtype, device=start.device).expand(n, d)
    rows = torch.arange(n, device=start.device)
    x = start.clamp(lower, upper)
    value, gradient = objective(x, rows)
    result = Minimum(
        x.clone(),
        value.clone(),
        torch.full((n,), Status.ITERATION_LIMIT, device=start.device),
        torch.zeros(n, dtype=torch.int64, device=start.device),
        torch.ones(n, dtype=torch.int64, device=start.device),
    )
    pairs = _Pairs(history)
    status = torch.full((n,), -1, device=start.device)
    status[~(value.isfinite() & gradient.isfinite().all(dim=1))] = Status.NON_FINITE

    for _ in range(max_iterations):
        projected = x - (x - gradient).clamp(lower, upper)
        status[(status < 0) & (projected.abs().amax(dim=1) <= gradient_tolerance)] = (
            Status.CONVERGED
        )
        running = status < 0
        if not running.all():
            result.status[rows[~running]] = status[~running]
            if not running.any():
                return result
            rows, x, value, gradient, lower, upper, status = (
                t[running] for t in (rows, x, value, gradient, lower, upper, status)
            )
            pairs.select(running)

        # Variables that their gradient holds at a bound leave the quasi-Newton step (Bertsekas).
        free = ~(((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0)))
        direction = pairs.step(gradient, free)
        trial = _search(objective, rows, x, value, gradient, direction, lower, upper)

        pairs.add(trial.x - x, trial.gradient - gradient)
        decrease = value - trial.value
        status[decrease <= value_tolerance * trial.value.abs()] = Status.CONVERGED
        status[~trial.accepted] = Status.LINE_SEARCH_FAILED
        status[trial.non_finite] = Status.NON_FINITE
        x, value, gradient = trial.x, trial.value, trial.gradient
        result.x[rows], result.value[rows] = x, value
        result.iterations[rows] += 1
        result.evaluations[rows] += trial.evaluations
    result.status[rows[status >= 0]] = status[status >= 0]
    return result


class _Pairs:
    """The last steps s and changes of gradient y of every problem, newest last."""

    def __init__(self, history: int) -> None:
        self.history = history
        self.s: list[Tensor] = []
        self.y: list[Tensor] = []

    def add(self, s: Tensor, y: Tensor) -> None:
        self.s.append(s)
        self.y.append(y)
        del self.s[: -self.history], self.y[: -self.history]

    def select(self, keep: Tensor) -> None:
        self.s = [s[keep] for s in self.s]
        self.y = [y[keep] for y in self.y]

    def step(self, gradient: Tensor, free: Tensor) -> Tensor:
        """−H g over the free variables by the two-loop recursion (N&W, algorithm 7.4).

        Pairs are restricted to the free variables; one without positive curvature there is passed
        over by giving it weight 0. The first step has length at most 1.
        """
        q = torch.where(free, gradient, 0)
        steepest = -q / q.norm(dim=1, keepdim=True).clamp_min(1)
        scale = torch.ones_like(q[:, 0])  # γ of (N&W 7.20), from the newest pair in use
        usable = torch.zeros_like(scale, dtype=torch.bool)
        stack = []
        for s, y in zip(reversed(self.s), reversed(self.y), strict=True):
            s, y = torch.where(free, s, 0), torch.where(free, y, 0)
            sy, yy = _dot(s, y), _dot(y, y)
            curved = sy > CURVATURE * (_dot(s, s) * yy).sqrt()
            rho = torch.where(curved, 1 / sy, 0)
            scale = torch.where(curved & ~usable, sy / yy, scale)
            usable |= curved
            alpha = rho * _dot(s, q)
            q = q - alpha[:, None] * y
            stack.append((s, y, rho, alpha))
        r = scale[:, None] * q
        for s, y, rho, alpha in reversed(stack):
            r = r + (alpha - rho * _dot(y, r))[:, None] * s
        usable &= (_dot(r, gradient) > 0) & r.isfinite().all(dim=1)  # rounding can spoil it
        return torch.where(usable[:, None], -r, steepest)


class _Trial(NamedTuple):
    x: Tensor
    value: Tensor
    gradient: Tensor
    accepted: Tensor
    non_finite: Tensor
    evaluations: Tensor


def _search(objective, rows, x, value, gradient, direction, lower, upper) -> _Trial:
    """Backtrack along the projection arc P(x + t d), t = 1, …, until the value falls enough."""
    k = len(rows)
    new_x, new_value, new_gradient = x.clone(), value.clone(), gradient.clone()
    accepted = torch.zeros(k, dtype=torch.bool, device=x.device)
    non_finite = torch.zeros_like(accepted)
    evaluations = torch.zeros(k, dtype=torch.int64, device=x.device)
    t = torch.ones(k, dtype=x.dtype, device=x.device)
    waiting = torch.arange(k, device=x.device)
    for _ in range(BACKTRACKS):
        at = waiting
        point = (x[at] + t[at, None] * direction[at]).clamp(lower[at], upper[at])
        trial_value, trial_gradient = objective(point, rows[at])
        evaluations[at] += 1
        slope = _dot(gradient[at], point - x[at]).clamp_max(0)  # along the arc
        finite = trial_value.isfinite() & trial_gradient.isfinite().all(dim=1)
        good = finite & (trial_value <= value[at] + SUFFICIENT_DECREASE * slope)
        done = at[good]
        new_x[done], new_value[done], new_gradient[done] = (
            point[good],
            trial_value[good],
            trial_gradient[good],
        )
        accepted[done] = True
        non_finite[at] = ~finite
        # Minimum of the parabola through both values and the slope (N&W 3.58), kept in [0.1, 0.5].
        curvature = trial_value - value[at] - slope
        factor = torch.where(finite & (curvature > 0), -slope / (2 * curvature), 0.1).clamp(
            0.1, 0.5
        )
        t[at] *= factor
        waiting = at[~good]
        if len(waiting) == 0:
            break
    return _Trial(new_x, new_value, new_gradient, accepted, non_finite, evaluations)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=1)
