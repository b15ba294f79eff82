"""The paper's attack: box-constrained L-BFGS on a weighted distance plus the loss of the target."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from blindspots.attacks._bracket import Bracket
from blindspots.attacks._checks import check_arguments, check_choice, check_finite
from blindspots.attacks._grid import AWAY, Grid
from blindspots.attacks._penalised import Penalised
from blindspots.families import minimal
from blindspots.interface import UNIT_BOX, AttackResult, Box, Status
from blindspots.limits import Count, Positive, above, at_least, only_with
from blindspots.optim.batch import FAILURES, Batch, side_by_side
from blindspots.threat.answers import FEWEST
from blindspots.threat.goals import LOSSES

READINGS = {
    "distance": ("distance", {"l2_squared": "c·‖r‖₂², smooth at 0", "l2": "c·‖r‖₂"}),
    "search": (
        "search",
        {
            "bisect": "the largest c that reaches the target, bracketed and bisected; the nearest "
            "success found is kept",
            "grid": "the minimiser at the largest power of {grid_ratio:g} for c that reaches the "
            "target (grid_from: {grid_from})",
        },
    ),
}
"""Readings of the paper by setting, for the report (`report.readings`)."""

STILL = 0.01
"""A minimisation ends when a step is shorter than this share of the distance."""
SETTLED = (0.1, 0.1)
"""A minimisation also ends when a step is shorter than the first share of the distance and moves
the margin by less than the second share of it: whether the goal is reached is settled then, and the
next c is of more use than the next digit."""
FIRST = 0.5
"""First c, times the loss at the image over the square of its gradient: the first step then ends
where a linear loss would be 0."""
PATIENCE, LEAP, LONG, TRIES = 3, 1e-4, 5, 2
"""Treatment of images that no c reached in PATIENCE searches, which are trapped near the original.

They begin again with c times LEAP, a first step of length 1 and LONG times the steps, and are given
up after TRIES tries. From then on they continue from their nearest success whenever a search
misses."""
LIMITS = (1e-12, 1e12)
"""Values of c beyond which the search is given up."""


@minimal("l2")
def lbfgs(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box | None = UNIT_BOX,
    mask: Tensor | None = None,
    classes: int | None = None,
    distance: Literal["l2_squared", "l2"] = "l2_squared",
    loss: Literal["cross_entropy", "hinge"] = "cross_entropy",
    search: Literal["bisect", "grid"] = "bisect",
    grid_ratio: Annotated[float, at_least(1.001), only_with("search", "grid")] = 10.0,
    grid_from: Annotated[Literal["guess", "above", "below"], only_with("search", "grid")] = "guess",
    initial_penalty: Positive | None = None,
    penalty_factor: Annotated[float, above(1), only_with("search", "bisect")] = 2.0,
    penalty_precision: Annotated[float, above(1), only_with("search", "bisect")] = 1.01,
    distance_precision: Annotated[Positive, only_with("search", "bisect")] = 1e-3,
    max_searches: Count = 20,
    max_iterations: Count = 20,
    history: Count = 5,
    fewest: Count = FEWEST,
) -> AttackResult:
    """Penalty L-BFGS: minimise c ‖r‖₂² + loss_f(x + r, l) with x + r in the box.

    Szegedy et al. 2013, section 4.1, for each image by itself. The smallest perturbation comes from
    the largest c whose minimiser still reaches the target (the text says "minimum c"): c is
    multiplied or divided by a factor until it is bracketed, then bisected on a log scale, at the
    point that the margins of both ends suggest. Each minimisation starts where the last one ended
    and keeps its curvature. The smallest success that any iterate meets is kept; it must hold with
    a margin (`goals.SUCCESS_MARGIN`) on the image as it is stored.

    The loss is of the logits as they are, unless their range at an image is below 0.5 or above 1000
    (`_penalised.ORDINARY`): it is scaled to 10 then. Departures from the text: docs/departures.md.

    Args:
        model: images to logits.
        images: (n, *image) float32 or float64 in the box.
        labels: (n,) true classes.
        targets: (n,) classes to reach; None: any wrong class.
        box: range of a pixel: two numbers, or of each feature (*image); None: no box.
        mask: (n, *image) or (*image) bool, the features that may change; None: all.
        classes: number of labels, where the model has more logits than labels.
        distance: "l2_squared", which is smooth at 0, or "l2", the other reading of the text's |r|.
        loss: "cross_entropy", or "hinge" on the margin: on a linear model its minimisers are the
            smallest perturbations, but it is not smooth, and a search may jam between two rivals.
        search: "bisect", or "grid": the minimiser (not the smallest success met) at the largest
            power of `grid_ratio` for c that reaches the goal. The finer the grid, the closer each
            minimisation comes to its end.
        grid_ratio: ratio of neighbours among the c of a grid.
        grid_from: "guess": up or down from the first c until a success and a miss are neighbours;
            "above": from ten times the first c, or where a minimiser misses, down to the first
            success; "below": from a tenth of it, or where one succeeds, up to the last success
            before the first miss. They differ where success is not monotone in c.
        initial_penalty: first c; None: computed from the loss and its gradient at the image.
        penalty_factor: factor between two values of c until it is bracketed.
        penalty_precision: ratio of the bracket's ends at which bisection ends.
        distance_precision: share by which the best success may be farther than the minimiser that
            misses the goal when bisection ends.
        max_searches: largest number of minimisations per image; on a grid, times the number of its
            values in a factor of 10.
        max_iterations: largest number of L-BFGS steps per minimisation.
        history: curvature pairs that L-BFGS keeps.
        fewest: least number of images in a batch; smaller batches, and those that are not a
            multiple of 16, are padded with copies, so that rounding, and with it the result, does
            not depend on the batch. 1: no copies, for large networks and few images.

    Returns:
        The status is CONVERGED if the bracket closed or the image met the goal unaltered, and
        ITERATION_LIMIT if a success was found but the bracket stayed open. The status of a failure
        is GRADIENT_VANISHED or NON_FINITE if the gradient at the beginning or the end of the search
        was 0 or not finite, ITERATION_LIMIT if it ended at `max_searches`, otherwise NO_SUCCESS.

    Raises:
        InputError: an argument that is not as described, or an invalid model (`trial`); names the
            first image that offends.
    """
    images, box = check_arguments(images, labels, targets, box)
    check_choice("distance", distance, ("l2_squared", "l2"))
    check_choice("loss", loss, LOSSES)
    check_choice("search", search, ("bisect", "grid"))
    check_choice("grid_from", grid_from, AWAY)
    goal = Penalised(
        model, images, labels, targets, classes, LOSSES[loss], box=box, mask=mask, fewest=fewest
    )
    like = goal.distance.double()
    bracket = Bracket(like, penalty_factor, penalty_precision, distance_precision)
    if search == "grid":
        bracket = Grid(like, grid_ratio, grid_from)
    is_squared = distance == "l2_squared"
    run = _Run(goal, bracket, is_squared, initial_penalty, max_searches, max_iterations)
    batch = side_by_side(
        goal.evaluate, goal.originals, goal.room.lower, goal.room.upper, history=history
    )
    while len(batch.rows):
        is_new = batch.value.isinf()
        batch.step()
        batch.replace(run.after(batch, is_new))
    success = goal.distance.isfinite()
    status = torch.full_like(goal.forwards, Status.ITERATION_LIMIT)
    closed = bracket.is_closed(torch.arange(len(images), device=images.device), goal.distance)
    status[closed | (goal.distance == 0)] = Status.CONVERGED
    return AttackResult(
        originals=images,
        images=goal.best.view(images.shape),
        success=success,
        status=torch.where(success, status, goal.failure),
        forwards=goal.forwards,
        backwards=goal.backwards,
        penalty=goal.best_penalty,
    )


class _Run:
    """The search for c of every image, one step of the batch at a time."""

    def __init__(self, goal, bracket, is_squared, initial, max_searches, max_iterations) -> None:
        self.goal, self.bracket, self.initial = goal, bracket, initial
        self.is_squared, self.max_iterations = is_squared, max_iterations
        self.max_searches = max_searches * bracket.decade
        self.patience = PATIENCE * (bracket.decade if bracket.is_from_above else 1)
        self.iterations = torch.zeros_like(goal.forwards)
        self.estimates = torch.zeros_like(goal.distance)  # of the distance of every image
        self.was_trapped = torch.zeros_like(goal.distance, dtype=torch.bool)

    def after(self, batch: Batch, is_new: Tensor) -> Tensor:
        """Choose the next c of images whose minimisation has ended; return which are done, (k,)."""
        goal, rows = self.goal, batch.rows
        new = is_new.nonzero()[:, 0]
        goal.margins[rows[new]] = goal.margin_now[new]
        length = batch.distance.sqrt()
        ended = self._has_ended(batch, length) & ~is_new
        reached = goal.margins[rows] >= 0
        kept = reached
        if isinstance(self.bracket, Grid):  # the minimiser at the largest c so far
            kept = reached & (ended | (is_new & (length == 0)))
            goal.distance[rows[kept]] = torch.inf
        better = goal.keep(batch.x, rows, length, kept)
        goal.best_penalty[rows[better]] = goal.penalty[rows[better]]
        done = torch.zeros_like(is_new)
        places = ended.nonzero()[:, 0]
        if len(places):
            end = torch.where(batch.finite[places, None], batch.gradient[places], torch.nan)
            goal.note(rows[places], end)
            done[places] = self._search(batch, places, length[places])
        if len(new):
            check_finite(goal.finite_now[new], rows[new])
            sees = goal.note(rows[new], goal.gradient_now[new])
            stuck = ~sees & (~batch.finite[new] | goal.distance[rows[new]].isinf())
            self._begin(batch, new[~stuck])
            done[new] = stuck | (reached[new] & (length[new] == 0))
        if len(places) or len(new) or not self.is_squared:
            weight = goal.penalty[rows]
            if not self.is_squared:  # the parabola that touches c ‖r‖ here and lies above elsewhere
                touch, estimates = length, self.estimates[rows]
                if self.bracket.is_from_above:  # where r was 0, so that it does not stay there
                    touch = torch.where(self.iterations[rows] > 0, touch, touch.maximum(estimates))
                weight = weight / (2 * torch.where(touch > 0, touch, estimates))
            batch.weight[rows] = weight
        return done

    def _has_ended(self, batch: Batch, length: Tensor) -> Tensor:
        rows, margins = batch.rows, self.goal.margins
        before = margins[rows]
        now = torch.where(batch.accepted, self.goal.margin_now, before)
        margins[rows] = now
        iterations = self.iterations[rows] + 1
        moved, changed = (a / self.bracket.tolerance for a in (batch.moved, (now - before).abs()))
        settled = (moved <= SETTLED[0] * length) & (changed <= SETTLED[1] * now.abs())
        settled |= moved <= STILL * length
        lost = self.was_trapped[rows] & self.goal.distance[rows].isinf()
        settled &= ~lost | (moved <= STILL / 1000 * length)
        limit = torch.where(lost, LONG, 1) * self.max_iterations
        ended = (batch.accepted & settled) | (iterations >= limit) | (batch.failures >= FAILURES)
        self.iterations[rows] = torch.where(ended, 0, iterations)
        return ended

    def _search(self, batch: Batch, places: Tensor, length: Tensor) -> Tensor:
        """Choose the next c of images at some places, free trapped ones; return which are done."""
        goal, bracket, at = self.goal, self.bracket, batch.rows[places]
        missed = goal.margins[at] < 0
        penalty = bracket.settle(at, goal.penalty[at], goal.margins[at], length)
        goal.penalty[at] = penalty.to(length.dtype)
        searches, lost = bracket.searches[at], goal.distance[at].isinf()
        ends = searches >= self.max_searches
        unexplained = goal.failure[at] == Status.NO_SUCCESS
        goal.failure[at[ends & unexplained]] = Status.ITERATION_LIMIT
        done = ends | bracket.is_closed(at, goal.distance[at])
        done |= ~((penalty > LIMITS[0]) & (penalty < LIMITS[1]))
        done |= lost & (searches >= self.patience + TRIES)
        trapped = lost & (searches == self.patience) & ~done
        astray = missed & self.was_trapped[at] & ~lost & ~done
        self.was_trapped[at[trapped]] = True
        goal.penalty[at[trapped]] = bracket.nearest(goal.penalty[at[trapped]] * LEAP)
        for those, points in ((trapped, goal.originals), (astray, goal.best)):
            if those.any():
                batch.move(places[those], points[at[those]])
        return done

    def _begin(self, batch: Batch, places: Tensor) -> None:
        """Choose the first c of images at some places, or the first step of restarted ones."""
        at, slope = batch.rows[places], batch.gradient[places].norm(dim=1)
        again = self.was_trapped[at]
        batch.damping[places[again]] = slope[again]  # a first step of length 1
        length = batch.value[places] / slope
        first = FIRST * slope / length * (1 if self.is_squared else 2 * length)
        if self.initial is not None:
            first = self.bracket.nearest(torch.full_like(first, self.initial))
        else:
            first = self.bracket.first(first)
        self.goal.penalty[at] = torch.where(again, self.goal.penalty[at], first)
        self.estimates[at] = torch.where(again, self.estimates[at], length)
        self.iterations[at] *= again
