"""Rounds of quadratic programs with linearised margins, from points that meet the goal."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from blindspots.attacks._goal import Goal
from blindspots.interface import Status
from blindspots.optim.nearest import nearest
from blindspots.threat.goals import SUCCESS_MARGIN

AIM = 1.1 * SUCCESS_MARGIN
"""Relative margin that the programs ask for, so that rounding leaves the one that counts."""
STILL = 1e-3
"""An image is done when a round moves its point by less than this share of its distance."""
DAMPED = 0.7
"""Share of its step that a point moves if the solution misses the goal: margins are not linear, and
programs with whole steps could alternate forever."""
CUTS = 4
"""Half-spaces of earlier rounds that a branch keeps, of those that missed the goal."""
PARALLEL = 1 - 1e-3
"""Cosine above which one of them is dropped as equal to one of this round, so that programs do not
become singular."""
PROMISING = 1.5
"""An answer is given up when its program lies farther than the best success by this factor."""
AT_ONCE = 16
"""Answers of an image that are searched for at a time, and rivals of an answer in a program: memory
does not grow with more classes."""
ENDS = (
    Status.GRADIENT_VANISHED,
    Status.NON_FINITE,
    Status.ITERATION_LIMIT,
    Status.CONVERGED,
    Status.ITERATION_LIMIT,
)
"""Outcomes of a branch; that of an image is the last of its branches' in this order."""
BLIND, BROKEN, GIVEN_UP, SETTLED, GOING = range(len(ENDS))


def search(goal: Goal, rows: Tensor, points: Tensor, rounds: int, bisections: int) -> Tensor:
    """Search from points (k, pixels) of the images `rows` (k,) for nearer successes; keep them.

    Returns:
        (k,) int64, values of `Status`: how the search of each ended.
    """
    ends = torch.full_like(goal.forwards, BLIND)
    for places, wanted in _branches(goal, rows, points):
        branches = _Branches(goal, rows[places], wanted, points[places], ends)
        branches.run(rounds, bisections)
    return torch.tensor(ENDS, device=rows.device)[ends[rows]]


def towards(goal: Goal, outside: Tensor, inside: Tensor, rows: Tensor, times: int) -> Tensor:
    """Bisect segments from points that miss the goal to ones that meet it; the last of these."""
    for _ in range(times if len(rows) else 0):
        middle = (outside + inside) / 2
        reached = goal.reached(middle, rows)[:, None]
        inside = torch.where(reached, middle, inside)
        outside = torch.where(reached, outside, middle)
    return inside


def _branches(goal: Goal, rows: Tensor, points: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield places (b,) among the rows with accepted answers (b,), those searched for at a time.

    If there are more answers, those with the largest logits at the point come first.
    """
    places, answers = goal.accepted[rows].nonzero().unbind(dim=1)
    each = len(answers) // len(rows)  # every image has as many
    if each <= AT_ONCE:
        yield places, answers
        return
    with torch.no_grad():
        logits = goal.logits(points, rows).masked_fill(~goal.accepted[rows], -torch.inf)
    ordered = logits.argsort(dim=1, descending=True, stable=True)[:, :each]
    for answers in ordered.split(AT_ONCE, dim=1):
        places = torch.arange(len(rows), device=rows.device).repeat_interleave(answers.shape[1])
        yield places, answers.flatten()


class _Branches:
    """Searches for one answer of one image each: a point, and a program at each round.

    Attributes:
        rows: (b,) int64, the image of every branch.
        wanted: (b,) int64, its answer.
        point: (b, pixels) where the margins of the answer are linearised next.
        normals: (b, k, pixels) normals of the half-spaces that are kept; 0 for an empty place.
        offsets: (b, k) their offsets.
        ends: (n,) int64 of all images, places in `ENDS`.
    """

    def __init__(
        self, goal: Goal, rows: Tensor, wanted: Tensor, points: Tensor, ends: Tensor
    ) -> None:
        self.goal, self.rows, self.wanted, self.point = goal, rows, wanted, points
        self.ends = ends
        self.normals = points.new_empty((len(rows), 0, points.shape[1]))
        self.offsets = points.new_empty((len(rows), 0))

    def run(self, rounds: int, bisections: int) -> None:
        """Go on until all are done, or after the last round."""
        for _ in range(rounds):
            if len(self.rows) == 0:
                break
            self._round(bisections)
        self._end(torch.full_like(self.rows, GOING))

    def _round(self, bisections: int) -> None:
        """Linearise, solve, and look between the solutions and the best successes."""
        goal, rows = self.goal, self.rows
        x, feasible = self._program()
        far = (x - goal.originals[rows]).norm(dim=1)
        missed = ~goal.reached(x, rows)
        between = missed & goal.distance[rows].isfinite()
        at = rows[between]
        towards(goal, x[between], goal.best[at], at, bisections)
        moved = (x - self.point).norm(dim=1)
        still, promising = ~(moved > STILL * far), far < PROMISING * goal.distance[rows]
        self._end(torch.where(feasible & still, SETTLED, BLIND))
        going = feasible & ~still & promising
        self.rows, self.wanted = rows[going], self.wanted[going]
        self.point = torch.where(missed[:, None], self.point.lerp(x, DAMPED), x)[going]
        self.normals = (self.normals * missed[:, None, None])[going]
        self.offsets = (self.offsets * missed[:, None])[going]

    def _end(self, ends: Tensor) -> None:
        self.ends.scatter_reduce_(0, self.rows, ends, "amax")

    def _program(self) -> tuple[Tensor, Tensor]:
        """The nearest points that meet the linearised goal (b, pixels), and where there is one."""
        margins, normals, scale = self._linearised()
        originals, box = self.goal.originals[self.rows], self.goal.room.at(self.rows)
        change = self.point - originals
        slack = margins - AIM * scale[:, None]
        offsets = (normals @ change[:, :, None])[..., 0] - slack
        self._drop(normals, change, slack.amin(dim=1, keepdim=True))
        rows, right = (normals, self.normals), (offsets, self.offsets)
        found = nearest(originals, torch.cat(rows, dim=1), torch.cat(right, dim=1), *box)
        least = margins.argmin(dim=1, keepdim=True)
        cut = normals.take_along_dim(least[:, :, None], dim=1)
        self.normals = torch.cat([self.normals, cut], dim=1)[:, -CUTS:]
        self.offsets = torch.cat([self.offsets, offsets.gather(1, least)], dim=1)[:, -CUTS:]
        return found.x.clamp(*box), found.status != Status.INFEASIBLE

    def _drop(self, normals: Tensor, change: Tensor, slack: Tensor) -> None:
        """Drop half-spaces that the margins at the point refute, and what this round says again."""
        kept = (self.normals @ change[:, :, None])[..., 0] - self.offsets >= slack
        length = self.normals.norm(dim=2)[:, :, None] * normals.norm(dim=2)[:, None]
        kept &= ((self.normals @ normals.mT) < PARALLEL * length).all(dim=2)
        self.normals, self.offsets = self.normals * kept[:, :, None], self.offsets * kept

    def _linearised(self) -> tuple[Tensor, Tensor, Tensor]:
        """Margins (b, o) of the answer over others, their gradients, and the logits' scale (b,).

        If there are more others, those with the largest logits. Non-finite gradients become 0.
        """
        x = self.point.requires_grad_()
        others = (~self.goal.accepted[self.rows]).nonzero()[:, 1].view(len(x), -1)
        with torch.enable_grad():
            logits = self.goal.logits(x, self.rows)
            if others.shape[1] > AT_ONCE:
                largest = logits.detach().gather(1, others).topk(AT_ONCE, dim=1).indices
                others = others.gather(1, largest)
            margins = logits.gather(1, self.wanted[:, None]) - logits.gather(1, others)
            gradients = torch.stack(
                [
                    torch.autograd.grad(one.sum(), x, retain_graph=True)[0]
                    for one in margins.unbind(1)
                ],
                dim=1,
            )
        gradients = self.goal.room.within(gradients, self.rows)
        self.point = x.detach()
        self.goal.backwards.index_add_(0, self.rows, torch.full_like(self.rows, others.shape[1]))
        largest = torch.linalg.vector_norm(gradients, torch.inf, dim=(1, 2))
        broken = ~largest.isfinite()
        if broken.any():
            gradients[broken] = 0
        self._end(torch.where(broken, BROKEN, torch.where(largest > 0, GIVEN_UP, BLIND)))
        return margins.detach(), gradients, logits.detach().abs().amax(dim=1)
