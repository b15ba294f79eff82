"""Batched L-BFGS under bounds: n independent problems side by side.

Each problem is min φ(x) = f(x) + w ‖x − start‖² with lower ≤ x ≤ upper. The proximal weight w may
be 0, and may be changed on the way: curvature pairs are of f alone, so that none is lost by it.
Each problem has its own bounds, pairs, damping, convergence test and status. Every step evaluates
one trial point of every problem; a problem that has ended gives its place to the next one, so that
the batch stays full, and small enough for a processor's cache.

A projected quasi-Newton method. Two-metric projection (Bertsekas 1982, "Projected Newton methods
for optimization problems with simple constraints", SIAM J. Control Optim. 20) was chosen over
L-BFGS-B's generalised Cauchy point (Byrd, Lu, Nocedal, Zhu 1995) because every step is then the
same few tensor operations for all problems; Cauchy points need a walk over breakpoints that differs
per problem. For the same reason a step that fails is not searched along but damped, as by Levenberg
and Marquardt, and leaves its curvature pair behind.

Equations cited as (BNS) are those of Byrd, Nocedal and Schnabel 1994, "Representations of
quasi-Newton matrices and their use in limited memory methods"; (N&W) are those of Nocedal and
Wright, "Numerical Optimization", 2nd edition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from blindspots.interface import Status

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(points (k, d), problem numbers (k,)) to values (k,) and gradients (k, d) of f: new tensors, that
are kept and changed."""

WIDTH, GPU_WIDTH = 512, 16384
"""Problems side by side: enough to fill a processor, few enough for its cache."""
SUFFICIENT_DECREASE = 1e-4  # (N&W 3.4)
ROUNDINGS = 10
"""By which a value may rise: near the end its decrease is below what it can show."""
CURVATURE = (1e-3, 1e-8)
"""Least sᵀy for a pair to be used, as shares of the shift times sᵀs and of ‖s‖ ‖y‖."""
FAILURES = 25
"""Steps that may fail in a row, the damping growing fourfold each time."""


def width(device: torch.device) -> int:
    """How many problems are best solved side by side on a device."""
    return WIDTH if device.type == "cpu" else GPU_WIDTH


class Minimum(NamedTuple):
    """The end of each problem.

    Attributes:
        x: (n, d) last iterate, the lowest value seen but for roundings.
        value: (n,) objective there.
        status: (n,) int64, values of `Status`.
        iterations: (n,) int64, steps that succeeded.
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
    batch = Batch(objective, start, lower, upper, history=history)
    none = torch.zeros(len(start), dtype=torch.int64, device=start.device)
    result = Minimum(
        start.clone(), torch.full_like(batch.weight, torch.nan), none, none.clone(), none.clone()
    )
    while len(batch.rows):
        before = batch.value
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


class Batch:
    """Up to `width` of the problems side by side, one evaluation of each at a time.

    The caller looks at the problems after every `step`, may change their weights, and says with
    `replace` which have ended.

    Attributes:
        weight: (n,) proximal weight w of every problem.
        rows: (k,) int64, the numbers of the problems in the batch.
        x: (k, d) iterates.
        value: (k,) f there; infinite before the first step.
        gradient: (k, d) of f.
        change: (k, d) x − start.
        distance: (k,) ‖x − start‖².
        moved: (k,) length of the last trial step.
        accepted: (k,) bool, whether its end became the iterate.
        finite: (k,) bool, whether value and gradient were finite at its end.
        failures: (k,) int64, trial steps in a row that were not accepted.
    """

    STATE = ("rows", "x", "value", "gradient", "change", "distance", "damping", "failures", "work")

    def __init__(
        self,
        objective: Objective,
        start: Tensor,
        lower: Tensor | float,
        upper: Tensor | float,
        *,
        history: int,
    ) -> None:
        n, d = start.shape
        self.objective, self.start, self.history = objective, start, history
        self.lower, self.upper = (
            bound.to(start).expand(n, d) if isinstance(bound, Tensor) else bound
            for bound in (lower, upper)
        )
        self.weight = start.new_zeros(n)
        self.steps = 0
        self.waiting = k = min(n, width(start.device))  # the first problem that has not entered yet
        self.rows = torch.arange(k, device=start.device)
        self.x, self.gradient, self.change = (start.new_zeros(k, d) for _ in range(3))
        self.value, self.distance, self.damping = (start.new_zeros(k) for _ in range(3))
        self.failures = torch.zeros_like(self.rows)
        self.buffers = [start.new_empty(k, d) for _ in range(4)]  # memory for a step
        # Rows s of the last steps, y of f on the variables then free, and the gradient.
        self.work = start.new_zeros(k, 2 * history + 1, d)
        self.identity = torch.eye(history, dtype=start.dtype, device=start.device)
        order = torch.arange(history, device=start.device)
        self.ages = [order.roll(-oldest) for oldest in range(history)]  # places, oldest first
        self._enter(self.rows)

    def step(self) -> None:
        """Evaluate a trial point of every problem, and go there where φ falls enough."""
        k, m, at = len(self.rows), self.history, self.steps % self.history
        free, scratch, trial, change = (buffer[:k] for buffer in self.buffers)
        weight, (lower, upper) = self.weight[self.rows], self._bounds(self.rows)
        g = torch.addcmul(self.gradient, self.change, 2 * weight[:, None], out=self.work[:, 2 * m])
        # Variables that their gradient holds at a bound leave the quasi-Newton step (Bertsekas).
        torch.sub(self.x, g, out=free).clamp_(lower, upper)
        g.mul_(torch.ne(free, self.x, out=free))
        coefficients, scale = self._coefficients(weight)
        torch.bmm(coefficients, self.work, out=trial[:, None])
        torch.addcmul(self.x, trial, free, value=-1, out=trial).clamp_(lower, upper)
        step = torch.sub(trial, self.x, out=self.work[:, at])  # the oldest s gives its place
        slope = _dot(step, g, scratch)
        uphill = (~(slope < 0)).nonzero()[:, 0]  # a bound in the way, rounding, or a new problem
        if len(uphill):
            steepest = self.x[uphill] - scale[uphill, None] * g[uphill]
            trial[uphill] = steepest.clamp_(*self._bounds(self.rows[uphill]))
            step[uphill] = trial[uphill] - self.x[uphill]
            slope[uphill] = (step[uphill] * g[uphill]).sum(dim=1)

        value, gradient = self.objective(trial, self.rows)
        gradient = gradient.contiguous()
        torch.add(self.change, step, out=change)
        distance = _dot(change, change, scratch)
        rise = value - self.value + weight * (distance - self.distance)
        rounding = ROUNDINGS * torch.finfo(value.dtype).eps * (value.abs() + weight * distance)
        self.moved = _dot(step, step, scratch).sqrt()
        self.finite = value.isfinite() & gradient.sum(dim=1).isfinite()
        self.accepted = self.finite & (rise <= SUFFICIENT_DECREASE * slope + rounding)
        torch.sub(gradient, self.gradient, out=self.work[:, m + at]).mul_(free)
        if not self.finite.all():
            self.work[~self.finite, at] = self.work[~self.finite, m + at] = 0
        self.steps += 1

        staying = (~self.accepted).nonzero()[:, 0]
        for new, old in ((trial, self.x), (gradient, self.gradient), (change, self.change)):
            new.index_copy_(0, staying, old.index_select(0, staying))
        self.buffers[2:] = self.x, self.change
        self.x, self.gradient, self.change = trial, gradient, change
        self.value = torch.where(self.accepted, value, self.value)
        self.distance = torch.where(self.accepted, distance, self.distance)
        self.failures = torch.where(self.accepted, 0, self.failures + 1)
        less, more = self.damping / 2, torch.maximum(4 * self.damping, 1 / scale)
        less = torch.where(less < 0.01 / scale, 0, less)
        self.damping = torch.where(self.accepted, less, more)

    def replace(self, ended: Tensor) -> None:
        """Put problems that wait in the place of those that have ended (k, bool)."""
        places = ended.nonzero()[:, 0]
        coming = range(self.waiting, min(self.waiting + len(places), len(self.start)))
        self.waiting += len(coming)
        if len(coming):
            self.rows[places[: len(coming)]] = torch.tensor(coming, device=self.rows.device)
            self._enter(places[: len(coming)])
        if len(coming) < len(places):
            ended = ended.index_fill(0, places[: len(coming)], False)
            left = (~ended).nonzero()[:, 0]
            for name in self.STATE:
                setattr(self, name, getattr(self, name).index_select(0, left))

    def projected_gradient(self) -> Tensor:
        """(k, d) x − P(x − ∇φ): 0 at a stationary point."""
        total = torch.addcmul(self.gradient, self.change, 2 * self.weight[self.rows][:, None])
        return self.x - (self.x - total).clamp(*self._bounds(self.rows))

    def move(self, places: Tensor, x: Tensor) -> None:
        """Go on from other points (b, d) with some problems: the next step evaluates them there."""
        self.x[places] = x
        self.change[places] = x - self.start[self.rows[places]]
        self.distance[places] = self.change[places].square().sum(dim=1)
        self.value[places] = torch.inf
        for state in (self.gradient, self.damping, self.failures, self.work):
            state[places] = 0

    def _enter(self, places: Tensor) -> None:
        """Begin the problems `rows[places]`: their next trial point is their start."""
        rows = self.rows[places]
        self.move(places, self.start[rows].clamp(*self._bounds(rows)))

    def _bounds(self, rows: Tensor) -> tuple[Any, ...]:
        return tuple(b[rows] if isinstance(b, Tensor) else b for b in (self.lower, self.upper))

    def _coefficients(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """H g as a combination (k, 1, 2m + 1) of the rows of `work`, and the scale γ (k,) of H.

        H is L-BFGS's matrix in compact form (BNS, theorem 2.2): the pairs are read twice in all,
        whatever their number. It is that of φ + τ ‖x − here‖²/2 with the damping τ, so that
        y = y_f + (2w + τ) s. Where w > 0, γ = 1/(2w + τ) is what is known of the curvature.
        """
        m, oldest = self.history, self.steps % self.history
        age = self.ages[oldest]
        s_s = torch.bmm(self.work[:, :m], self.work[:, :m].mT)[:, age[:, None], age]
        products = torch.bmm(self.work[:, : 2 * m], self.work[:, m:].mT)
        s_y, y_y = products[:, age[:, None], age], products[:, m + age[:, None], age]
        s_g, y_g = products[:, age, m:], products[:, m + age, m:]
        shift = 2 * weight + self.damping
        t = shift[:, None, None]
        y_y = y_y + t * (s_y + s_y.mT + t * s_s)
        s_y = s_y + t * s_s
        y_g = y_g + t * s_g
        length, curvature, change = (a.diagonal(dim1=1, dim2=2) for a in (s_s, s_y, y_y))
        known, tiny = CURVATURE
        usable = curvature > known * shift[:, None] * length + tiny * (length * change).sqrt()
        scale = 1 / shift
        if not (weight > 0).all():
            # γ of (N&W 7.20) from the newest usable pair; without any, a first step of length 1.
            newest = usable.long().cumsum(dim=1).argmax(dim=1, keepdim=True)
            ratio = (curvature / change).gather(1, newest)[:, 0]
            careful = 1 / (self.work[:, 2 * m].norm(dim=1).clamp_min(1) + self.damping)
            scale = torch.where(weight > 0, scale, torch.where(usable.any(dim=1), ratio, careful))

        # H g = γ g + [S Y] (R⁻ᵀ ((D + γ YᵀY) u − γ Yᵀg), −γ u) with u = R⁻¹ Sᵀg, R = triu(SᵀY).
        γ, mask = scale[:, None, None], usable[:, :, None].to(s_g.dtype)
        r = torch.where(usable[:, :, None] & usable[:, None], s_y.triu(), self.identity)
        u = torch.linalg.solve_triangular(r, s_g * mask, upper=True)
        right = (curvature[:, :, None] * u + γ * (y_y @ u - y_g)) * mask
        of_s = torch.linalg.solve_triangular(r.mT, right, upper=False)
        of_s = of_s - t * γ * u
        of_both = torch.stack([of_s, -γ * u], dim=1).roll(oldest, 2).flatten(1)
        return torch.cat([of_both, scale[:, None]], dim=1)[:, None], scale


def _dot(a: Tensor, b: Tensor, scratch: Tensor) -> Tensor:
    return torch.mul(a, b, out=scratch).sum(dim=1)
