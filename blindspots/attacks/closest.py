"""The smallest perturbation: a descent to the goal, then margin-linearised quadratic programs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.attacks._checks import check_arguments
from blindspots.attacks._descent import descend
from blindspots.attacks._goal import Goal
from blindspots.goals import SUCCESS_MARGIN
from blindspots.interface import UNIT_BOX, AttackResult, Box, Status
from blindspots.optim.batch import width
from blindspots.optim.nearest import nearest
from blindspots.randomness import derived_seed

AIM = 1.1 * SUCCESS_MARGIN
"""Relative margin that the programs ask for, so that rounding leaves the one that counts."""
STILL = 1e-3
"""An image is done when a round moves its point by less than this share of its distance."""
DAMPED = 0.7
"""Share of its step that a point goes where the solution misses the goal: the margins bend, and the
programs of whole steps may take turns for ever."""
BACK = 10
"""Bisections of the way from a random point to the image."""
CUTS = 4
"""Half-spaces of earlier rounds that a branch keeps, of those that missed the goal."""
PARALLEL = 1 - 1e-3
"""Cosine from which on one of them says what one of this round does: programs become singular."""
PROMISING = 1.5
"""An answer is given up when its program lies farther than so many times the best success."""


def closest(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box = UNIT_BOX,
    classes: int | None = None,
    steps: int = 50,
    rounds: int = 5,
    bisections: int = 4,
    restarts: int = 0,
    seed: int = 0,
    rows: Iterable[int] | None = None,
) -> AttackResult:
    """Minimise ½ ‖r‖₂² subject to the goal's margins and the box, for each image by itself.

    The problem of Szegedy et al. 2013, section 4.1, itself, not its penalty: from the nearest
    success of a short descent, sequential quadratic programming (Nocedal and Wright, 2nd edition,
    section 18.1) with the distance's own Hessian. A round linearises the margins at a point and
    projects the original onto the half-spaces and the box; that is the next point. Where it misses
    the goal, the segment from it to the best success is bisected, the step to it is damped, and the
    half-space of the smallest margin is kept until a solution meets the goal: cutting planes
    (Kelley 1960, J. SIAM 8), without which the rounds on either side of a corner of the boundary
    undo one another. With several accepted answers (any wrong class) each has points and programs
    of its own. Exact on a linear model.

    Args:
        model: images to logits.
        images: (n, *image) float32 or float64 in the box.
        labels: (n,) true classes.
        targets: (n,) classes to reach; None: any wrong class.
        box: range of a pixel.
        classes: number of labels, where the model has more logits than labels.
        steps: of the descent, and of a second one where that finds nothing. 20 with half the rounds
            are a quick setting for smooth nets; more find a nearer success now and then on nets of
            linear pieces.
        rounds: linearisations.
        bisections: of the segment in each round.
        restarts: further searches, each from a random point of the box, or from one within the best
            distance where that misses the goal; they leave local minima in few dimensions.
        seed: of the random points.
        rows: what identifies each image, its place in the batch by default; its random points
            depend on the seed and on this alone.

    Returns:
        Never farther than the descent, and a success where that had one. CONVERGED where the
        last round moved the point by less than 1e-3 of its distance, else ITERATION_LIMIT;
        NO_SUCCESS where no point met the goal.

    Raises:
        InputError: an argument that is not as described; names the first image that offends.
    """
    check_arguments(images, labels, targets, box)
    goal = Goal(model, images, labels, targets, classes)
    status = torch.full_like(goal.forwards, Status.CONVERGED)
    names = np.arange(len(images)) if rows is None else np.asarray(list(rows))
    for at in torch.arange(len(images), device=images.device).split(width(images.device)):
        descend(goal, at, box, steps)
        lost = at[goal.distance[at].isinf()]
        if len(lost):
            descend(goal, lost, box, steps, by_signs=False)
        begun = at[(goal.distance[at] > 0) & goal.distance[at].isfinite()]
        if len(begun):
            search = _Search(goal, begun, goal.best[begun], box)
            status[search.run(rounds, bisections)] = Status.ITERATION_LIMIT
        for again in range(restarts):
            begun = at[goal.distance[at] > 0]
            if len(begun):
                points = _elsewhere(goal, begun, box, seed, again, names)
                _Search(goal, begun, points, box).run(rounds, bisections)
    success = goal.distance.isfinite()
    status[~success] = Status.NO_SUCCESS
    return AttackResult(
        originals=images,
        images=goal.best.view(images.shape),
        success=success,
        status=status,
        forwards=goal.forwards,
        backwards=goal.backwards,
    )


def _elsewhere(
    goal: Goal, rows: Tensor, box: Box, seed: int, again: int, names: np.ndarray
) -> Tensor:
    """Random points, those that miss the goal moved within the best distance; then bisected."""
    pixels, start = goal.originals.shape[1], derived_seed(seed, "closest")
    drawn = (np.random.default_rng((start, again, int(i))) for i in names[rows.cpu().numpy()])
    numbers = np.array([rng.uniform(size=pixels + 1) for rng in drawn])
    share, place = torch.from_numpy(numbers).to(goal.originals).split([1, pixels], dim=1)
    way = box.lower + (box.upper - box.lower) * place - goal.originals[rows]
    length = way.norm(dim=1, keepdim=True)
    share = (share * goal.distance[rows, None] / length).clamp_max(1)
    share[goal.reached(goal.originals[rows] + way, rows)] = 1
    return _towards(goal, goal.originals[rows], goal.originals[rows] + share * way, rows, BACK)


def _towards(goal: Goal, outside: Tensor, inside: Tensor, rows: Tensor, times: int) -> Tensor:
    """Bisect segments from points that miss the goal to ones that meet it; the last of these."""
    for _ in range(times if len(rows) else 0):
        middle = (outside + inside) / 2
        reached = goal.reached(middle, rows)[:, None]
        inside = torch.where(reached, middle, inside)
        outside = torch.where(reached, outside, middle)
    return inside


class _Search:
    """A branch for every accepted answer of every image: a point, and a program at each round.

    Attributes:
        rows: (b,) int64, the image of every branch.
        wanted: (b,) int64, its answer.
        point: (b, pixels) where the margins of the answer are linearised next.
        normals: (b, k, pixels) of the half-spaces that are kept; 0 where there is none.
        offsets: (b, k) of them.
    """

    def __init__(self, goal: Goal, rows: Tensor, points: Tensor, box: Box) -> None:
        self.goal, self.box = goal, box
        accepted = goal.accepted[rows]
        places, self.wanted = accepted.nonzero().unbind(dim=1)
        self.rows = rows[places]
        self.others = (~accepted).nonzero()[:, 1].view(len(rows), -1)[places]
        self.point = points[places]
        self.normals = points.new_empty((len(places), 0, points.shape[1]))
        self.offsets = points.new_empty((len(places), 0))

    def run(self, rounds: int, bisections: int) -> Tensor:
        """The images that are not done after the last round."""
        for _ in range(rounds):
            if len(self.rows) == 0:
                break
            self._round(bisections)
        return self.rows

    def _round(self, bisections: int) -> None:
        """Linearise, solve, and look between the solutions and the best successes."""
        goal, rows = self.goal, self.rows
        x, feasible = self._program()
        far = (x - goal.originals[rows]).norm(dim=1)
        missed = ~goal.reached(x, rows)
        between = missed & goal.distance[rows].isfinite()
        at = rows[between]
        _towards(goal, x[between], goal.best[at], at, bisections)
        moved = (x - self.point).norm(dim=1)
        going = feasible & (moved > STILL * far) & (far < PROMISING * goal.distance[rows])
        self.rows, self.wanted, self.others = rows[going], self.wanted[going], self.others[going]
        self.point = torch.where(missed[:, None], self.point.lerp(x, DAMPED), x)[going]
        self.normals = (self.normals * missed[:, None, None])[going]
        self.offsets = (self.offsets * missed[:, None])[going]

    def _program(self) -> tuple[Tensor, Tensor]:
        """The nearest points that meet the linearised goal (b, pixels), and where there is one."""
        margins, normals, scale = self._linearised()
        originals = self.goal.originals[self.rows]
        change = self.point - originals
        slack = margins - AIM * scale[:, None]
        offsets = (normals @ change[:, :, None])[..., 0] - slack
        self._drop(normals, change, slack.amin(dim=1, keepdim=True))
        rows, right = (normals, self.normals), (offsets, self.offsets)
        found = nearest(originals, torch.cat(rows, dim=1), torch.cat(right, dim=1), *self.box)
        least = margins.argmin(dim=1, keepdim=True)
        cut = normals.take_along_dim(least[:, :, None], dim=1)
        self.normals = torch.cat([self.normals, cut], dim=1)[:, -CUTS:]
        self.offsets = torch.cat([self.offsets, offsets.gather(1, least)], dim=1)[:, -CUTS:]
        return found.x.clamp(*self.box), found.status != Status.INFEASIBLE

    def _drop(self, normals: Tensor, change: Tensor, slack: Tensor) -> None:
        """Drop half-spaces that the margins at the point refute, and what this round says again."""
        kept = (self.normals @ change[:, :, None])[..., 0] - self.offsets >= slack
        length = self.normals.norm(dim=2)[:, :, None] * normals.norm(dim=2)[:, None]
        kept &= ((self.normals @ normals.mT) < PARALLEL * length).all(dim=2)
        self.normals, self.offsets = self.normals * kept[:, :, None], self.offsets * kept

    def _linearised(self) -> tuple[Tensor, Tensor, Tensor]:
        """Margins (b, o) of the answer over others, their gradients, and the logits' scale (b,)."""
        x = self.point.requires_grad_()
        with torch.enable_grad():
            logits = self.goal.logits(x, self.rows)
            margins = logits.gather(1, self.wanted[:, None]) - logits.gather(1, self.others)
            gradients = [
                torch.autograd.grad(one.sum(), x, retain_graph=True)[0] for one in margins.unbind(1)
            ]
        self.point = x.detach()
        self.goal.backwards.index_add_(0, self.rows, torch.full_like(self.rows, len(gradients)))
        scale = logits.detach().abs().amax(dim=1)
        return margins.detach(), torch.stack(gradients, dim=1), scale
