"""The paper's attack: box-constrained L-BFGS on a weighted distance plus the loss of the target."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from blindspots.attacks._checks import check_arguments, check_logits
from blindspots.goals import SUCCESS_MARGIN, accepted_answers, cross_entropy, relative_margin
from blindspots.interface import UNIT_BOX, AttackResult, Box, Status
from blindspots.optim.lbfgs import minimise

PENALTIES = (1e-12, 1e12)
"""Weights of the distance beyond which the search for one is given up."""


def lbfgs(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box = UNIT_BOX,
    classes: int | None = None,
    initial_penalty: float = 1.0,
    penalty_factor: float = 10.0,
    penalty_precision: float = 1.05,
    max_searches: int = 20,
    max_iterations: int = 100,
    history: int = 10,
) -> AttackResult:
    """Penalty L-BFGS: minimise c ‖r‖₂² + loss_f(x + r, l) with x + r in the box.

    Szegedy et al. 2013, section 4.1, for each image by itself. The smallest perturbation comes from
    the largest c whose minimiser still reaches the target (the text says "minimum c"): c is
    multiplied or divided by a factor until it is bracketed, then bisected on a log scale. Each
    search starts from the best success so far. The smallest success that any evaluation meets is
    kept; it must hold with a margin (`goals.SUCCESS_MARGIN`) on the image as it is stored.

    Departures from the text: ‖r‖₂² for |r|, which is smooth at 0; the largest c for the smallest.

    Args:
        model: images to logits.
        images: (n, *image) float32 or float64 in the box.
        labels: (n,) true classes.
        targets: (n,) classes to reach; None: any wrong class.
        box: range of a pixel.
        classes: number of labels, where the model has more logits than labels.
        initial_penalty: first c.
        penalty_factor: step of c until it is bracketed.
        penalty_precision: bisection ends when the bracket's ends have this ratio.
        max_searches: minimisations per image at most.
        max_iterations: L-BFGS iterations per minimisation.
        history: curvature pairs.

    Returns:
        CONVERGED where the bracket closed or the image met the goal as it was, ITERATION_LIMIT
        where a success was found but the bracket stayed open, NO_SUCCESS otherwise.

    Raises:
        InputError: an argument that is not as described; names the first image that offends.
    """
    check_arguments(images, labels, targets, box)
    search = _Search(model, images, labels, targets, classes)
    n = len(images)
    penalty = torch.full((n,), initial_penalty, dtype=images.dtype, device=images.device)
    reaches = torch.zeros_like(penalty)  # largest c whose minimiser reached the goal
    misses = torch.full_like(penalty, torch.inf)  # smallest c whose minimiser did not
    is_open = search.distance > 0  # an image that meets the goal already cannot come nearer
    for _ in range(max_searches):
        rows = is_open.nonzero()[:, 0]
        if len(rows) == 0:
            break
        end = minimise(
            partial(search.objective, rows, penalty),
            search.best[rows],
            box.lower,
            box.upper,
            history=history,
            max_iterations=max_iterations,
        )
        reached = search.reached_by(end.x, rows)
        reaches[rows] = torch.where(reached, penalty[rows], reaches[rows])
        misses[rows] = torch.where(reached, misses[rows], penalty[rows])
        is_open &= misses > penalty_precision * reaches
        is_open &= (penalty > PENALTIES[0]) & (penalty < PENALTIES[1])
        penalty = torch.where(
            misses.isinf(),
            penalty * penalty_factor,
            torch.where(reaches == 0, penalty / penalty_factor, (reaches * misses).sqrt()),
        )
    success = search.distance.isfinite()
    closed = (misses <= penalty_precision * reaches) | (search.distance == 0)
    status = torch.full((n,), Status.ITERATION_LIMIT, device=images.device)
    status[closed] = Status.CONVERGED
    status[~success] = Status.NO_SUCCESS
    return AttackResult(
        originals=images,
        images=search.best.reshape(images.shape),
        success=success,
        status=status,
        forwards=search.forwards,
        backwards=search.backwards,
        penalty=search.penalty,
    )


class _Search:
    """The objective of every image, and the nearest success that its evaluations have met."""

    def __init__(self, model, images, labels, targets, classes) -> None:
        self.model = model
        self.shape = images.shape[1:]
        self.originals = images.flatten(1)
        with torch.no_grad():
            logits = model(images)
        classes = classes or logits.shape[1]
        check_logits(logits, labels, targets, classes)
        self.accepted = accepted_answers(labels, targets, logits.shape[1], classes)
        self.best = self.originals.clone()
        self.distance = images.new_full((len(images),), torch.inf)
        self.penalty = images.new_full((len(images),), torch.nan)
        self.forwards = torch.ones(len(images), dtype=torch.int64, device=images.device)
        self.backwards = torch.zeros_like(self.forwards)
        already = relative_margin(logits, self.accepted) >= SUCCESS_MARGIN
        self.distance[already] = 0.0

    def objective(
        self, images: Tensor, penalties: Tensor, x: Tensor, problems: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The value c ‖x − x₀‖² + loss and its gradient; problem i is image number `images[i]`."""
        rows = images[problems]
        penalty = penalties[rows]
        x = x.detach().requires_grad_()
        logits = self.model(x.view(-1, *self.shape))
        loss = cross_entropy(logits, self.accepted[rows])
        (gradient,) = torch.autograd.grad(loss.sum(), x)
        x, logits = x.detach(), logits.detach()
        self.forwards[rows] += 1
        self.backwards[rows] += 1
        change = x - self.originals[rows]
        distance = change.square().sum(dim=1)
        self._keep(x, rows, logits, distance, penalty)
        return (
            loss.detach() + penalty * distance,
            gradient + 2 * penalty[:, None] * change,
        )

    def reached_by(self, x: Tensor, rows: Tensor) -> Tensor:
        """Whether the points reach the goal."""
        with torch.no_grad():
            logits = self.model(x.view(-1, *self.shape))
        self.forwards[rows] += 1
        return relative_margin(logits, self.accepted[rows]) >= SUCCESS_MARGIN

    def _keep(self, x, rows, logits, distance, penalty) -> None:
        reached = relative_margin(logits, self.accepted[rows]) >= SUCCESS_MARGIN
        better = reached & (distance < self.distance[rows])
        at = rows[better]
        self.best[at], self.distance[at] = x[better], distance[better]
        self.penalty[at] = penalty[better]
