"""Full-batch training by L-BFGS until the loss stops falling, shared by two trainers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from blindspots.interface import Status
from blindspots.trainers.checkpoint import Checkpoint
from blindspots.trainers.recipe import Progress, Terms

CHECK_EVERY = 10
"""Iterations between two rows of the history, and between two tests of convergence."""


def minimise(
    parameters: list[nn.Parameter],
    evaluate: Callable[[], Terms],
    *,
    tolerance: float,
    max_iterations: int,
    history: int,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
) -> tuple[list[Terms], Status]:
    """Lower `evaluate()["loss"]` by PyTorch's L-BFGS with a strong Wolfe line search.

    Args:
        parameters: trained in place.
        evaluate: the terms of the loss at the current parameters; leaves gradients in `.grad`.
        tolerance: converged when `CHECK_EVERY` iterations lower the loss by less than this share.
        max_iterations: an upper limit, rounded up to a multiple of `CHECK_EVERY`.
        history: curvature pairs that L-BFGS keeps.
        progress: called with each row.
        checkpoint: resumes an interrupted training, and saves what resuming needs.

    Returns:
        The history, a row for every `CHECK_EVERY` iterations (fewer if a line search fails) with
        the terms, `iteration`, `gradient_norm` and `seconds`; and CONVERGED,
        ITERATION_LIMIT or NON_FINITE.
    """
    optimiser = torch.optim.LBFGS(
        parameters,
        max_iter=CHECK_EVERY,
        max_eval=10 * CHECK_EVERY,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=history,
        line_search_fn="strong_wolfe",
    )
    rows: list[Terms] = []
    last: tuple[Tensor, Terms] | None = None
    resumed = None if checkpoint is None else checkpoint.resume()
    if resumed is not None:
        rows = resumed["rows"]
        optimiser.load_state_dict(resumed["optimiser"])
        last = parameters_to_vector(parameters).detach().clone(), resumed["terms"]
        for parameter, gradient in zip(parameters, resumed["gradients"], strict=True):
            parameter.grad = gradient if gradient is None else gradient.to(parameter)
    begun = time.perf_counter() - (rows[-1]["seconds"] if rows else 0)

    def evaluated() -> Terms:
        nonlocal last
        here = parameters_to_vector(parameters).detach().clone()
        if last is None or not torch.equal(here, last[0]):  # a step begins where one ended
            last = here, evaluate()
        return last[1]

    def loss() -> Tensor:
        return torch.tensor(evaluated()["loss"], dtype=torch.float64)

    def report() -> None:
        rows.append(
            evaluated()
            | {
                "iteration": optimiser.state[parameters[0]].get("n_iter", 0),
                "gradient_norm": _norm(p.grad for p in parameters),
                "seconds": time.perf_counter() - begun,
            }
        )
        if progress is not None:
            progress(rows[-1])

    if not rows:
        report()
    while (status := _status(rows, tolerance, max_iterations)) is None:
        if checkpoint is not None:
            checkpoint.keep(
                lambda: {
                    "rows": rows,
                    "optimiser": optimiser.state_dict(),
                    "terms": evaluated(),
                    "gradients": [p.grad for p in parameters],
                }
            )
        optimiser.step(loss)
        report()
    optimiser.zero_grad()
    return rows, status


def _status(rows: list[Terms], tolerance: float, max_iterations: int) -> Status | None:
    now = rows[-1]["loss"]
    if not math.isfinite(now):
        return Status.NON_FINITE
    if len(rows) > 1 and rows[-2]["loss"] - now <= tolerance * abs(now):
        return Status.CONVERGED
    return Status.ITERATION_LIMIT if rows[-1]["iteration"] >= max_iterations else None


def _norm(gradients: Iterable[Tensor | None]) -> float:
    return math.hypot(*(g.norm().item() for g in gradients if g is not None))
