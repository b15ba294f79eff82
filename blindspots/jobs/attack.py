"""Run an attack over the images of a part, a chunk at a time, into the columns of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.attacks.contract import call, call_for_best, check_successes, name_of
from blindspots.config.methods import is_control
from blindspots.files.images import Images
from blindspots.interface import AttackResult, InputError, Status
from blindspots.lending import changed, state
from blindspots.threat.answers import show
from blindspots.threat.outcomes import predictions
from blindspots.threat.targets import candidates, choose_targets


def run(
    attack: Callable[..., AttackResult],
    model: nn.Module,
    data: Images,
    *,
    others: Tensor,
    target: str | int,
    seed: int,
    chunk: int,
    settings: Mapping[str, Any],
    progress: Callable[[int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Attack all images, `chunk` at a time.

    Args:
        attack: of the attacks' contract.
        model: images to logits.
        data: what is attacked.
        others: (k, *image) all images of the table, of which `data` may be a shard.
        target: rule for the targets.
        seed: of random targets and of the attack's own draws.
        chunk: images at a time; bounds memory.
        settings: of the attack.
        progress: called with the number of images that are done.

    Returns:
        The columns of the attack's table that describe images, "image" among them. Values that a
        failed attack does not have are masked.

    Raises:
        InputError: a model that gives images no finite logits, an attack that changes it, or a
            success that is none when its image is shown to the model again.
    """
    given = {"seed": seed, "others": others, "settings": settings}
    parts: list[dict[str, np.ndarray]] = []
    before = state(model, data.images[:1])
    for number, part in enumerate(data.chunks(chunk)):
        parts.append(_run_chunk(attack, model, part, target, given))
        if (what := changed(before, model)) is not None:
            raise InputError(
                f"{getattr(attack, '__name__', 'attack')}: expected the model as it was given, "
                f"found that it changed {what}; work on a copy (copy.deepcopy(model))"
            )
        if progress is not None:
            progress(number * chunk + len(part.rows))
    return {name: np.ma.concatenate([part[name] for part in parts]) for name in parts[0]}


def _run_chunk(attack, model, data, target, given) -> dict[str, np.ndarray]:
    with torch.no_grad():
        logits = model(data.images)
    if logits.ndim != 2 or not logits.isfinite().all():
        shown = "others" if logits.ndim == 2 else f"shape {tuple(logits.shape)}"
        raise InputError(f"expected a model that gives finite logits (n, classes), found {shown}")
    targets: Tensor | None
    if target == "best_of_all":
        possible = candidates(logits, data.labels, data.classes)
        found, targets = call_for_best(attack, model, data, possible, **given)
    else:
        targets = choose_targets(
            target, logits, data.labels, data.classes, seed=given["seed"], rows=data.rows
        )
        found = call(attack, model, data, targets, **given)
    with torch.no_grad():
        attacked = show(model, found.images)
    if not is_control(attack):
        check_successes(found, targets, attacked, data, name_of(attack))
    failed = ~found.success.cpu().numpy()
    nothing = np.ma.masked_all(len(failed), np.int64)
    penalty = np.full(len(failed), np.nan)
    if found.penalty is not None:
        penalty = found.penalty.cpu().double().numpy()
    return {
        "index": data.rows,
        "label": data.labels.cpu().numpy(),
        "target": nothing if targets is None else targets.cpu().numpy(),
        "prediction": predictions(logits, data.classes).cpu().numpy(),
        "attacked_prediction": predictions(attacked, data.classes).cpu().numpy(),
        "success": ~failed,
        "status": np.array([Status(s).name for s in found.status.tolist()]),
        "distortion": np.ma.array(found.distortion.cpu().numpy(), mask=failed),
        "l2": np.ma.array(found.l2.cpu().numpy(), mask=failed),
        "linf": np.ma.array(found.linf.cpu().numpy(), mask=failed),
        "penalty": np.ma.masked_where(failed, np.ma.masked_invalid(penalty)),
        "forwards": found.forwards.cpu().numpy(),
        "backwards": found.backwards.cpu().numpy(),
        "image": found.images.cpu().numpy(),
    }
