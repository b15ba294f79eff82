"""The smallest perturbation: a short penalty run, then margin-linearised quadratic programs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blindspots.attacks._checks import check_arguments
from blindspots.attacks._goal import Goal
from blindspots.attacks.lbfgs import lbfgs
from blindspots.goals import SUCCESS_MARGIN
from blindspots.interface import UNIT_BOX, AttackResult, Box, Status
from blindspots.optim.nearest import nearest

AIM = 2 * SUCCESS_MARGIN
"""Relative margin that the programs ask for, so that rounding leaves the one that counts."""
STILL = 1e-3
"""An image is done when a round moves its point by less than this share of its distance."""
WIDTH = 512
"""Images side by side."""


def closest(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box = UNIT_BOX,
    classes: int | None = None,
    rounds: int = 6,
    bisections: int = 4,
    rivals: int = 4,
    start_searches: int = 4,
    start_iterations: int = 6,
) -> AttackResult:
    """Minimise ½ ‖r‖₂² subject to the goal's margins and the box, for each image by itself.

    The problem of Szegedy et al. 2013, section 4.1, itself, not its penalty: from the end of a
    short penalty run, sequential quadratic programming (Nocedal and Wright, 2nd edition, section
    18.1) with the distance's own Hessian. A round linearises the margins at a point and projects
    the original onto the half-spaces and the box; that is the next point. Where it misses the goal,
    the segment from it to the best success is bisected. With several accepted answers (any wrong
    class) each has its program and the nearest solution is taken. Exact on a linear model.

    Args:
        model: images to logits.
        images: (n, *image) float32 or float64 in the box.
        labels: (n,) true classes.
        targets: (n,) classes to reach; None: any wrong class.
        box: range of a pixel.
        classes: number of labels, where the model has more logits than labels.
        rounds: linearisations.
        bisections: of the segment in each round.
        rivals: accepted answers, and others, that a round looks at: those with the largest logits.
        start_searches: minimisations per image of the penalty run.
        start_iterations: L-BFGS iterations of each.

    Returns:
        Never farther than the penalty run, and a success where that had one. CONVERGED where the
        last round moved the point by less than 1e-3 of its distance, else ITERATION_LIMIT;
        NO_SUCCESS where no point met the goal.

    Raises:
        InputError: an argument that is not as described; names the first image that offends.
    """
    check_arguments(images, labels, targets, box)
    start = lbfgs(
        model,
        images,
        labels,
        targets,
        box=box,
        classes=classes,
        max_searches=start_searches,
        max_iterations=start_iterations,
    )
    search = _Search(Goal(model, images, labels, targets, classes), start, box, rivals)
    for rows in torch.arange(len(images), device=images.device).split(WIDTH):
        for _ in range(rounds):
            rows = rows[search.is_open[rows]]  # noqa: PLW2901
            if len(rows) == 0:
                break
            search.round(rows, bisections)
    goal = search.goal
    success = goal.distance.isfinite()
    status = torch.full_like(start.status, Status.CONVERGED)
    status[search.is_open] = Status.ITERATION_LIMIT
    status[~success] = Status.NO_SUCCESS
    return AttackResult(
        originals=images,
        images=goal.best.view(images.shape),
        success=success,
        status=status,
        forwards=goal.forwards,
        backwards=goal.backwards,
    )


class _Search:
    """The point of every image where its margins are linearised next."""

    def __init__(self, goal: Goal, start: AttackResult, box: Box, rivals: int) -> None:
        self.goal, self.box = goal, box
        self.rivals = (
            min(rivals, int(goal.accepted[0].sum())),
            min(rivals, int((~goal.accepted[0]).sum())),
        )
        goal.best = start.images.flatten(1).clone()
        goal.distance = (goal.best - goal.originals).norm(dim=1)
        goal.distance[~start.success] = torch.inf
        goal.forwards, goal.backwards = start.forwards, start.backwards
        self.point = goal.best.clone()
        self.is_open = goal.distance > 0

    def round(self, rows: Tensor, bisections: int) -> None:
        """Linearise, solve, and look between the solution and the best success."""
        x = self._program(rows)
        missed = ~self._offer(x, rows) & self.goal.distance[rows].isfinite()
        outside, at = x[missed], rows[missed]
        inside = self.goal.best[at]
        for _ in range(bisections if len(at) else 0):
            middle = (outside + inside) / 2
            reached = self._offer(middle, at)[:, None]
            inside = torch.where(reached, middle, inside)
            outside = torch.where(reached, outside, middle)
        moved = (x - self.point[rows]).norm(dim=1)
        self.point[rows] = x
        self.is_open[rows] = moved > STILL * (x - self.goal.originals[rows]).norm(dim=1)

    def _program(self, rows: Tensor) -> Tensor:
        """The points nearest to the originals at which the linearised margins meet the goal."""
        margins, normals, scale = self._linearised(rows)
        x0 = self.goal.originals[rows]
        change = (self.point[rows] - x0)[:, None, :, None]
        offsets = AIM * scale[:, None, None] - margins + (normals @ change)[..., 0]
        wanted, width = normals.shape[1], normals.shape[3]
        found = nearest(
            x0.repeat_interleave(wanted, dim=0),
            normals.flatten(0, 1),
            offsets.flatten(0, 1),
            self.box.lower,
            self.box.upper,
        )
        x = found.x.view(len(rows), wanted, width)
        far = (x - x0[:, None]).norm(dim=2)
        far = far.masked_fill((found.status == Status.INFEASIBLE).view_as(far), torch.inf)
        chosen = far.argmin(dim=1)
        return x[torch.arange(len(rows), device=x.device), chosen].clamp(*self.box)

    def _linearised(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Margins (k, a, o) of accepted answers over others, gradients, and the logits' scale."""
        goal = self.goal
        x = self.point[rows].requires_grad_()
        with torch.enable_grad():
            logits = goal.logits(x, rows)
        accepted = goal.accepted[rows]
        wanted, others = (
            logits.detach().masked_fill(mask, -torch.inf).topk(count, dim=1).indices
            for mask, count in zip((~accepted, accepted), self.rivals, strict=True)
        )
        with torch.enable_grad():
            margins = logits.gather(1, wanted)[:, :, None] - logits.gather(1, others)[:, None]
            gradients = [
                torch.autograd.grad(one.sum(), x, retain_graph=True)[0]
                for one in margins.flatten(1).unbind(dim=1)
            ]
        goal.backwards[rows] += len(gradients)
        normals = torch.stack(gradients, dim=1).view(*margins.shape, -1)
        return margins.detach(), normals, logits.detach().abs().amax(dim=1)

    def _offer(self, x: Tensor, rows: Tensor) -> Tensor:
        """Keep the points that meet the goal nearer than any before; whether they meet it."""
        with torch.no_grad():
            reached = self.goal.margin(self.goal.logits(x, rows), rows) >= 0
        distance = (x - self.goal.originals[rows]).norm(dim=1)
        self.goal.keep(x, rows, distance, reached)
        return reached
