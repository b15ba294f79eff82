"""The smallest perturbation: a descent to the goal, then margin-linearised quadratic programs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.attacks._checks import check_arguments
from blindspots.attacks._descent import descend
from blindspots.attacks._goal import Goal
from blindspots.attacks._room import shown_range
from blindspots.attacks._search import search, towards
from blindspots.families import minimal
from blindspots.interface import UNIT_BOX, AttackResult, Box, InputError, Status
from blindspots.limits import Count, Natural
from blindspots.optim.batch import width
from blindspots.randomness import derived_seed
from blindspots.threat.answers import FEWEST

BACK = 10
"""Bisections of the way from a random point to the image."""


@minimal("l2")
def closest(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box | None = UNIT_BOX,
    mask: Tensor | None = None,
    classes: int | None = None,
    steps: Count = 50,
    rounds: Natural = 5,
    bisections: Natural = 4,
    restarts: Natural = 0,
    seed: int = 0,
    rows: Iterable[int] | None = None,
    fewest: Count = FEWEST,
) -> AttackResult:
    """Minimise ½ ‖r‖₂² subject to the goal's margins and the box, for each image by itself.

    It solves the problem of Szegedy et al. 2013, section 4.1, not its penalty form: from the
    nearest success of a short descent, by sequential quadratic programming (Nocedal and Wright, 2nd
    edition, section 18.1) with the distance's own Hessian. A round linearises the margins at a
    point and projects the original onto the half-spaces and the box; that is the next point. Where
    it misses the goal, the segment from it to the best success is bisected, the step to it is
    damped, and the half-space of the smallest margin is kept until a solution meets the goal:
    cutting planes (Kelley 1960, J. SIAM 8), without which the rounds on either side of a corner of
    the boundary undo one another. If several answers are accepted (any wrong class), each has
    points and programs of its own. The result is exact on a linear model.

    Memory grows with the images and their pixels, and with the classes up to 16: with more classes,
    answers are searched for 16 at a time, those with the largest logits first, and a program has
    the 16 nearest rivals of its answer. The model is shown up to 16 points of every image at once.

    Args:
        model: images to logits.
        images: (n, *image) float32 or float64 in the box.
        labels: (n,) true classes.
        targets: (n,) classes to reach; None: any wrong class.
        box: range of a pixel: two numbers, or of each feature (*image); None: no box.
        mask: (n, *image) or (*image) bool, the features that may change; None: all.
        classes: number of labels, where the model has more logits than labels.
        steps: gradient steps of the initial descent, and of a second one if it finds nothing. 20
            with half the rounds is a quick setting for smooth nets; more steps sometimes find a
            nearer success on piecewise linear nets.
        rounds: rounds of quadratic programs, each of which linearises the margins anew.
        bisections: bisections of the segment in each round.
        restarts: further searches, each from a random point of the box, or from one within the best
            distance where that misses the goal; they leave local minima in few dimensions.
        seed: seed of the random points.
        rows: identifier of each image, its place in the batch by default; its random points
            depend on the seed and on this alone.
        fewest: least number of images in a batch; smaller batches, and those that are not a
            multiple of 16, are padded with copies, so that rounding, and with it the result, does
            not depend on the batch. 1: no copies, for large networks and few images.

    Returns:
        Images that are never farther than the descent's, and a success wherever it had one. The
        status of a success is CONVERGED if the last round of the search that found it, from the
        descent or from a random point, moved its point by less than 1e-3 of its distance;
        GRADIENT_VANISHED or NON_FINITE if that search had no usable gradient; otherwise
        ITERATION_LIMIT. The status of a failure is GRADIENT_VANISHED or NON_FINITE if the descent
        began or ended at a gradient that is 0 or not finite; otherwise NO_SUCCESS.

    Raises:
        InputError: an argument that is not as described, or an invalid model (`trial`); names the
            first image that offends.
    """
    images, box = check_arguments(images, labels, targets, box)
    if restarts and not torch.as_tensor(box.upper - box.lower).isfinite().all():
        raise InputError(
            f"restarts: expected a finite box to draw points from, found {shown_range(box)}; give 0"
        )
    goal = Goal(model, images, labels, targets, classes, box=box, mask=mask, fewest=fewest)
    status = torch.full_like(goal.forwards, Status.CONVERGED)
    names = np.arange(len(images)) if rows is None else np.asarray(list(rows))
    for at in torch.arange(len(images), device=images.device).split(width(images.device)):
        descend(goal, at, steps)
        lost = at[goal.distance[at].isinf()]
        if len(lost):
            descend(goal, lost, steps, by_signs=False)
        begun = at[(goal.distance[at] > 0) & goal.distance[at].isfinite()]
        if len(begun):
            status[begun] = search(goal, begun, goal.best[begun], rounds, bisections)
        for again in range(restarts):
            begun = at[goal.distance[at] > 0]
            if len(begun):
                before = goal.distance[begun]
                points = _elsewhere(goal, begun, seed, again, names)
                ended = search(goal, begun, points, rounds, bisections)
                status[begun] = torch.where(goal.distance[begun] < before, ended, status[begun])
    success = goal.distance.isfinite()
    return AttackResult(
        originals=images,
        images=goal.best.view(images.shape),
        success=success,
        status=torch.where(success, status, goal.failure),
        forwards=goal.forwards,
        backwards=goal.backwards,
    )


def _elsewhere(goal: Goal, rows: Tensor, seed: int, again: int, names: np.ndarray) -> Tensor:
    """Random points, those that miss the goal moved within the best distance; then bisected."""
    pixels, start = goal.originals.shape[1], derived_seed(seed, "closest")
    drawn = (np.random.default_rng((start, again, int(i))) for i in names[rows.cpu().numpy()])
    numbers = np.array([rng.uniform(size=pixels + 1) for rng in drawn])
    share, place = torch.from_numpy(numbers).to(goal.originals).split([1, pixels], dim=1)
    lower, upper = goal.room.at(rows)
    way = lower + (upper - lower) * place - goal.originals[rows]
    length = way.norm(dim=1, keepdim=True)
    share = (share * goal.distance[rows, None] / length).clamp_max(1)
    share[goal.reached(goal.originals[rows] + way, rows)] = 1
    return towards(goal, goal.originals[rows], goal.originals[rows] + share * way, rows, BACK)
