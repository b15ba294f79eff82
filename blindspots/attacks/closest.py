"""The smallest perturbation: a short penalty run, then margin-linearised quadratic programs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blindspots.attacks.lbfgs import lbfgs
from blindspots.goals import SUCCESS_MARGIN, accepted_answers, relative_margin
from blindspots.interface import UNIT_BOX, AttackResult, Box, Status
from blindspots.optim.nearest import nearest

AIM = 2 * SUCCESS_MARGIN
"""Relative margin that the programs ask for, so that rounding leaves the one that counts."""


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
    start_searches: int = 6,
    start_iterations: int = 15,
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
        start_searches: minimisations per image of the penalty run.
        start_iterations: L-BFGS iterations of each.

    Returns:
        Never farther than the penalty run, and a success where that had one. CONVERGED where the
        last round moved the point by less than 1e-3 of its distance, else ITERATION_LIMIT;
        NO_SUCCESS where no point met the goal.

    Raises:
        InputError: an argument that is not as described; names the first image that offends.
    """
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
    search = _Search(model, start, labels, targets, classes)
    for _ in range(rounds):
        rows = search.is_open.nonzero()[:, 0]
        if len(rows) == 0:
            break
        solved = search.program(rows, box)
        reached = search.offer(solved, rows)
        search.bisect(solved[~reached], rows[~reached], bisections)
        search.move(solved, rows)
    success = search.distance.isfinite()
    status = torch.full_like(start.status, Status.CONVERGED)
    status[search.is_open] = Status.ITERATION_LIMIT
    status[~success] = Status.NO_SUCCESS
    return AttackResult(
        originals=images,
        images=search.best.view(images.shape),
        success=success,
        status=status,
        forwards=search.forwards,
        backwards=search.backwards,
    )


class _Search:
    """The point of every image where its margins are linearised next, and its nearest success."""

    def __init__(self, model, start: AttackResult, labels, targets, classes) -> None:
        self.model = model
        self.shape = start.images.shape[1:]
        self.originals = start.originals.flatten(1)
        self.best = start.images.flatten(1).clone()
        self.point = self.best.clone()
        self.distance = (self.best - self.originals).norm(dim=1)
        self.distance[~start.success] = torch.inf
        self.is_open = self.distance > 0
        self.forwards, self.backwards = start.forwards.clone(), start.backwards.clone()
        with torch.no_grad():
            logits = model(start.originals[:1]).shape[1]
        self.accepted = accepted_answers(labels, targets, logits, classes or logits)
        # The same number of accepted answers for every image, and of others.
        self.goals = self.accepted.nonzero()[:, 1].view(len(labels), -1)
        self.others = (~self.accepted).nonzero()[:, 1].view(len(labels), -1)

    def program(self, rows: Tensor, box: Box) -> Tensor:
        """The points nearest to the originals at which the linearised margins meet the goal."""
        logits, jacobian = self._linearised(rows)
        goals, others, x0 = self.goals[rows], self.others[rows], self.originals[rows]
        each = torch.arange(len(rows), device=rows.device)[:, None]
        normals = jacobian[each, goals][:, :, None] - jacobian[each, others][:, None]
        margins = logits.gather(1, goals)[:, :, None] - logits.gather(1, others)[:, None]
        aim = AIM * logits.abs().amax(dim=1)[:, None, None]
        change = (self.point[rows] - x0)[:, None, :, None]
        offsets = aim - margins + (normals @ change)[..., 0]
        count = goals.shape[1]
        found = nearest(
            x0.repeat_interleave(count, dim=0),
            normals.flatten(0, 1),
            offsets.flatten(0, 1),
            box.lower,
            box.upper,
        )
        x = found.x.view(len(rows), count, -1)
        far = (x - x0[:, None]).norm(dim=2)
        far = far.masked_fill((found.status == Status.INFEASIBLE).view_as(far), torch.inf)
        return x[each[:, 0], far.argmin(dim=1)].clamp(box.lower, box.upper)

    def offer(self, x: Tensor, rows: Tensor) -> Tensor:
        """Keep the points that meet the goal nearer than any before; whether they meet it."""
        with torch.no_grad():
            logits = self.model(x.view(-1, *self.shape))
        self.forwards[rows] += 1
        reached = relative_margin(logits, self.accepted[rows]) >= SUCCESS_MARGIN
        distance = (x - self.originals[rows]).norm(dim=1)
        better = reached & (distance < self.distance[rows])
        self.best[rows[better]], self.distance[rows[better]] = x[better], distance[better]
        return reached

    def bisect(self, x: Tensor, rows: Tensor, steps: int) -> None:
        """Look for a success between points that miss the goal and the best so far."""
        known = self.distance[rows].isfinite()
        x, rows = x[known], rows[known]
        if len(rows) == 0:
            return
        outside, inside = x, self.best[rows]
        for _ in range(steps):
            middle = (outside + inside) / 2
            reached = self.offer(middle, rows)[:, None]
            inside = torch.where(reached, middle, inside)
            outside = torch.where(reached, outside, middle)

    def move(self, x: Tensor, rows: Tensor) -> None:
        """Linearise at these points next; an image whose point has come to rest is done."""
        moved = (x - self.point[rows]).norm(dim=1)
        self.point[rows] = x
        self.is_open[rows] = moved > 1e-3 * (x - self.originals[rows]).norm(dim=1)

    def _linearised(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (k, logits) and their gradients (k, logits, pixels) at the points."""
        x = self.point[rows].detach().requires_grad_()
        logits = self.model(x.view(-1, *self.shape))
        gradients = [
            torch.autograd.grad(one.sum(), x, retain_graph=True)[0] for one in logits.unbind(dim=1)
        ]
        self.forwards[rows] += 1
        self.backwards[rows] += logits.shape[1]
        return logits.detach(), torch.stack(gradients, dim=1)
