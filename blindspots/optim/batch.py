"""L-BFGS under bounds for many problems in parallel, one step of all of them at a time.

Each problem is min φ(x) = f(x) + w ‖x − start‖² with lower ≤ x ≤ upper. The proximal weight w may
be 0, and may change between steps: curvature pairs are those of f, so that none is lost.
Each problem has its own bounds, pairs and damping. Every step evaluates one trial point of every
problem; a problem that has ended gives its place to the next one, so that the batch stays full, and
small enough for a processor's cache.

A projected quasi-Newton method. Two-metric projection (Bertsekas 1982, "Projected Newton methods
for optimization problems with simple constraints", SIAM J. Control Optim. 20) was chosen over
L-BFGS-B's generalised Cauchy point (Byrd, Lu, Nocedal, Zhu 1995) because every step is then the
same few operations for all problems; Cauchy points need a walk over breakpoints that differs per
problem. For the same reason a step that fails is not searched along but damped, as by Levenberg
and Marquardt, and leaves its curvature pair behind.

Equations cited as (BNS) are those of Byrd, Nocedal and Schnabel 1994, "Representations of
quasi-Newton matrices and their use in limited memory methods"; (N&W) are those of Nocedal and
Wright, "Numerical Optimization", 2nd edition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Map from points (k, d) and problem numbers (k,) to values (k,) and gradients (k, d) of f. The
memory of the points is reused for the next ones."""

WIDTH, GPU_WIDTH = 512, 16384
"""Problems in parallel: enough to fill a processor, few enough for its cache."""
SUFFICIENT_DECREASE = 1e-4  # (N&W 3.4)
ROUNDINGS = 10
"""Tolerated rise of a value, since near the end its decrease is below its resolution."""
CURVATURE = (1e-3, 1e-8)
"""Least sᵀy for a pair to be used, as shares of the shift times sᵀs and of ‖s‖ ‖y‖."""
FAILURES = 25
"""Steps that may fail in a row, the damping growing fourfold each time."""
UNDAMPED = 0.01
"""Damping below this share of the curvature 1/γ is dropped."""


def width(device: torch.device) -> int:
    """Best number of problems to solve in parallel on a device."""
    return WIDTH if device.type == "cpu" else GPU_WIDTH


class Trial(NamedTuple):
    """The points that a step tries.

    Attributes:
        x: (k, d).
        slope: (k,) of φ along the steps to them.
        scale: (k,) γ, the scale of the quasi-Newton matrix.
    """

    x: Tensor
    slope: Tensor
    scale: Tensor


class Batch:
    """Up to `width` of n problems in parallel, one evaluation of each at a time.

    The caller inspects the problems after every `step`, may change their weights, and names those
    that have ended to `replace`. The tensors are changed in place.

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
        self.lower, self.upper = (_bound(bound, start) for bound in (lower, upper))
        self.weight = start.new_zeros(n)
        self.steps = 0
        self.waiting = k = min(n, width(start.device))  # the first problem that has not entered yet
        self.rows = torch.arange(k, device=start.device)
        self.x, self.gradient, self.change = (start.new_zeros(k, d) for _ in range(3))
        self.value, self.distance, self.damping = (start.new_zeros(k) for _ in range(3))
        self.failures = torch.zeros_like(self.rows)
        # Rows s of the last steps, y of f on the variables then free, and the gradient of φ there.
        self.work = start.new_zeros(k, 2 * history + 1, d)
        self._enter(self.rows)

    def step(self) -> None:
        """Evaluate a trial point of every problem, and go there where φ falls enough."""
        oldest = self.steps % self.history
        trial = self._propose(oldest)
        value, gradient = self.objective(trial.x, self.rows)
        self._judge(oldest, trial, value.detach(), gradient.detach())
        self.steps += 1

    def _propose(self, oldest: int) -> Trial:
        """Choose the next points; the step to them takes the place of the step s at `oldest`."""
        lower, upper = self._bounds(self.rows)
        total = self._total()
        # Variables that the gradient holds at a bound are excluded from the quasi-Newton step
        # (Bertsekas).
        free = (self.x - total).clamp(lower, upper) != self.x
        g = torch.where(free, total, 0)
        self.work[:, -1] = g
        coefficients, scale = self._coefficients(oldest)
        direction = torch.bmm(coefficients[:, None], self.work)[:, 0]
        x = torch.where(free, (self.x - direction).clamp(lower, upper), self.x)
        slope = ((x - self.x) * g).sum(dim=1)
        uphill = ~(slope < 0)  # a bound in the way, rounding, or a new problem
        steepest = (self.x - scale[:, None] * g).clamp(lower, upper)
        x = torch.where(uphill[:, None], steepest, x)
        self.work[:, oldest] = x - self.x
        return Trial(x, (self.work[:, oldest] * g).sum(dim=1), scale)

    def _judge(self, oldest: int, trial: Trial, value: Tensor, gradient: Tensor) -> None:
        """Keep the pairs of the trial steps, and go where φ falls enough."""
        step, free = self.work[:, oldest], self.work[:, -1] != 0
        weight, change = self.weight[self.rows], self.change + step
        distance = change.square().sum(dim=1)
        rise = value - self.value + weight * (distance - self.distance)
        rounding = ROUNDINGS * torch.finfo(value.dtype).eps * (value.abs() + weight * distance)
        self.moved = step.norm(dim=1)
        self.finite = value.isfinite() & gradient.sum(dim=1).isfinite()
        self.accepted = self.finite & (rise <= SUFFICIENT_DECREASE * trial.slope + rounding)
        self.work[:, self.history + oldest] = (gradient - self.gradient) * free
        self.work[~self.finite, oldest :: self.history] = 0
        for name, new in (("x", trial.x), ("gradient", gradient), ("change", change)):
            setattr(self, name, torch.where(self.accepted[:, None], new, getattr(self, name)))
        self.value = torch.where(self.accepted, value, self.value)
        self.distance = torch.where(self.accepted, distance, self.distance)
        self.failures = torch.where(self.accepted, 0, self.failures + 1)
        less, more = self.damping / 2, torch.maximum(4 * self.damping, 1 / trial.scale)
        less = torch.where(less * trial.scale < UNDAMPED, 0, less)
        self.damping = torch.where(self.accepted, less, more)

    def replace(self, ended: Tensor) -> None:
        """Replace problems that have ended, (k,) bool, by waiting ones."""
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

    def move(self, places: Tensor, x: Tensor) -> None:
        """Continue some problems from other points (b, d), where the next step evaluates them."""
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

    def _total(self) -> Tensor:
        """(k, d) gradient of φ."""
        return torch.addcmul(self.gradient, self.change, 2 * self.weight[self.rows][:, None])

    def _bounds(self, rows: Tensor) -> tuple[Tensor, ...]:
        return tuple(b if len(b) == 1 else b[rows] for b in (self.lower, self.upper))

    def _coefficients(self, oldest: int) -> tuple[Tensor, Tensor]:
        """H g as a combination (k, 2m + 1) of the rows of `work`, and the scale γ (k,) of H.

        H is L-BFGS's matrix in compact form (BNS, theorem 2.2), so that the pairs are read only
        twice. It belongs to φ + τ ‖x − here‖²/2 with the damping τ, so that y = y_f + (2w + τ) s.
        If w > 0 and there is no pair, γ = 1/(2w + τ).
        """
        m, weight = self.history, self.weight[self.rows]
        age = torch.arange(m, device=weight.device).roll(-oldest)  # places, oldest first
        gram = torch.bmm(self.work, self.work.mT)
        s_s, s_y = gram[:, age[:, None], age], gram[:, age[:, None], m + age]
        y_y, s_g, y_g = gram[:, m + age[:, None], m + age], gram[:, age, -1:], gram[:, m + age, -1:]
        shift = 2 * weight + self.damping
        t = shift[:, None, None]
        y_y = y_y + t * (s_y + s_y.mT + t * s_s)
        s_y = s_y + t * s_s
        y_g = y_g + t * s_g
        length, curvature, change = (a.diagonal(dim1=1, dim2=2) for a in (s_s, s_y, y_y))
        known, tiny = CURVATURE
        usable = curvature > known * shift[:, None] * length + tiny * (length * change).sqrt()
        # γ of (N&W 7.20) from the newest usable pair; without any, a first step of length 1.
        newest = usable.long().cumsum(dim=1).argmax(dim=1, keepdim=True)
        ratio = (curvature / change).gather(1, newest)[:, 0]
        careful = 1 / (gram[:, -1, -1].sqrt().clamp_min(1) + self.damping)
        scale = torch.where(usable.any(dim=1), ratio, careful)
        scale = torch.where(weight > 0, 1 / shift, scale)

        # H g = γ g + [S Y] (R⁻ᵀ ((D + γ YᵀY) u − γ Yᵀg), −γ u) with u = R⁻¹ Sᵀg, R = triu(SᵀY).
        γ, mask = scale[:, None, None], usable[:, :, None].to(s_g.dtype)
        identity = torch.eye(m, dtype=gram.dtype, device=gram.device)
        r = torch.where(usable[:, :, None] & usable[:, None], s_y.triu(), identity)
        u = torch.linalg.solve_triangular(r, s_g * mask, upper=True)
        right = (curvature[:, :, None] * u + γ * (y_y @ u - y_g)) * mask
        of_s = torch.linalg.solve_triangular(r.mT, right, upper=False) - t * γ * u
        of_both = torch.stack([of_s, -γ * u], dim=1).roll(oldest, 2).flatten(1)
        return torch.cat([of_both, scale[:, None]], dim=1), scale


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


def _bound(value: Tensor | float, like: Tensor) -> Tensor:
    """(n or 1, d): one row where the problems share it."""
    value = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    rows = len(value) if value.ndim == 2 else 1
    return value.expand(rows, like.shape[1]).contiguous()
