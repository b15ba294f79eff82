"""Attack images a chunk at a time and judge the results: the columns of an attack's table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.attacks.contract import call, call_for_best, name_of, norm_of
from blindspots.attacks.returned import check_successes
from blindspots.families import family_of, radii
from blindspots.files.images import Images
from blindspots.interface import AttackResult, InputError, Status
from blindspots.lending import changed, state
from blindspots.threat.answers import Answers, answers
from blindspots.threat.chance import draws_of, seeded
from blindspots.threat.judge import Judgement, judge
from blindspots.threat.outcomes import outcomes, predictions, widened
from blindspots.threat.targets import candidates, choose_targets

Columns = dict[str, np.ndarray]
"""Columns of the attacks' table by name, an entry per row; missing values are masked."""


def attack_all(
    attack: Callable[..., AttackResult],
    model: nn.Module,
    data: Images,
    *,
    others: Images,
    target: str | int,
    seed: int,
    chunk: int,
    settings: Mapping[str, Any],
    parents: Mapping[str, nn.Module] | None = None,
    mask: Tensor | None = None,
) -> Columns:
    """Attack all images, `chunk` at a time.

    Args:
        attack: attack that follows the attacks' contract.
        model: maps images to logits.
        data: images to attack.
        others: all images of the table, of which `data` may be a shard.
        target: rule for the targets.
        seed: seed of random targets and of the attack's own draws.
        chunk: images at a time; bounds memory.
        settings: settings of the attack; `eps` is one radius or several.
        parents: further models that the attack uses, by name.
        mask: (*image) bool, the features that may change; None: all.

    Returns:
        The columns of the attack's table that describe images, including "image": a row per image
        and radius, the radii of an image one after another. Values that a failed attack does not
        have are masked; an image without finite logits is NON_FINITE.

    Raises:
        InputError: a model that does not classify, an attack that changes it, or a reported success
            that fails when its image is shown to the model again.
    """
    given = {"seed": seed, "others": others, "parents": parents, "mask": mask}
    parts: list[dict[str, np.ndarray]] = []
    with seeded(seed, "state"):
        before = state(model, data.first(1).images)
    for part in data.chunks(chunk):
        parts.append(_run_chunk(attack, model, part, target, given, settings))
        if (what := changed(before, model)) is not None:
            raise InputError(
                f"{name_of(attack)}: expected an unchanged model, found that the attack changed "
                f"{what}; work on a copy (copy.deepcopy(model))"
            )
    return _joined(parts)


def _joined(parts: Sequence[Columns]) -> Columns:
    return {name: np.ma.concatenate([part[name] for part in parts]) for name in parts[0]}


def _run_chunk(attack, model, data, target, given, settings) -> Columns:
    """Attack one chunk at every radius, and return its columns, sorted by image, then radius."""
    first, by_chance = data.rows[0], draws_of(model) is not None
    with seeded(given["seed"], f"unaltered {first}"), torch.no_grad():
        logits = widened(model(data.images))
        clean = None
        if by_chance and logits.ndim == 2:
            clean = answers(model, data.images, data.labels, data.classes, len(data.rows))
    if logits.ndim != 2:
        raise InputError(
            f"expected a model that gives logits (n, classes), found shape {tuple(logits.shape)}"
        )
    fine = logits.isfinite().all(dim=1)
    if clean is not None:
        fine &= torch.from_numpy(~np.ma.getmaskarray(clean.predictions)).to(fine.device)
    each = [
        _attacked(attack, model, data, logits, fine, target, given | {"settings": some}, clean)
        for some in (
            settings if eps is None else {**settings, "eps": eps} for eps in radii(settings)
        )
    ]
    joined = _joined(each)
    by_image = np.arange(len(each) * len(data.rows)).reshape(len(each), -1).T.ravel()
    return {name: column[by_image] for name, column in joined.items()}


def _attacked(attack, model, data, logits, fine, target, given, clean) -> Columns:
    """Attack at one radius, and return the columns; images without finite logits are skipped."""
    found, targets = _unattacked(data), None
    purpose = f"{name_of(attack)} {given['settings'].get('eps')} {data.rows[0]}"
    if fine.any():
        rows = fine.nonzero()[:, 0]
        with seeded(given["seed"], f"attack {purpose}"):
            result, aims = _call(
                attack, model, data.at(rows.cpu().numpy()), logits[rows], target, given
            )
        for name, value in vars(result).items():
            if value is not None:
                whole = getattr(found, name)
                whole[rows] = value.to(whole)
        if aims is not None:
            targets = torch.full_like(data.labels, -1).index_copy(0, rows, aims)
    family = family_of(attack)

    def judged() -> Judgement:
        return judge(
            model, data.images, found.images, data.labels, targets,
            classes=data.classes, box=data.box,
        )  # fmt: skip

    with seeded(given["seed"], f"judge {purpose}"):
        seen = judged()
        share = np.ma.masked_where(~fine.cpu().numpy(), np.ma.masked_invalid(seen.share))
        if clean is not None and family.kind != "control":
            found = _drawn_again(found, seen, fine, keeps_failures=family.kind == "budget")
            seen = judged()  # for the images that are kept
    if family.kind != "control" and clean is None:
        check_successes(found, targets, seen, data, name_of(attack))
    columns = _columns(found, targets, seen, data, logits, fine, family.kind == "budget")
    return (
        columns
        | _clean_columns(clean)
        | {
            "norm": np.full(
                len(data.rows),
                None if family.kind == "control" else norm_of(attack, given["settings"]),
                object,
            ),
            "success_share": share,
            "eps": np.ma.masked_invalid(
                np.full(len(data.rows), given["settings"].get("eps", np.nan), float)
            ),
        }
    )


def _drawn_again(found, seen, fine, *, keeps_failures) -> AttackResult:
    """Return the result with successes by fresh draws; other successes become failures."""
    success = torch.from_numpy(seen.success).to(fine.device) & fine
    kept = (success | keeps_failures).view(-1, *[1] * (found.images.ndim - 1))
    status = found.status.masked_fill(success, int(Status.CONVERGED))
    return replace(
        found,
        images=torch.where(kept, found.images, found.originals),
        success=success,
        status=status.masked_fill(~success & fine, int(Status.NO_SUCCESS)),
    )


def _clean_columns(clean: Answers | None) -> Columns:
    """Return the columns about the unaltered images, by the draws of a stochastic net."""
    if clean is None:
        return {}
    return {
        "prediction": clean.predictions,
        "outcome": clean.outcomes,
        "confidence": clean.confidences,
    }


def _call(attack, model, data, logits, target, given) -> tuple[AttackResult, Tensor | None]:
    if target == "best_of_all":
        possible = candidates(logits, data.labels, data.classes)
        return call_for_best(attack, model, data, possible, **given)
    targets = choose_targets(
        target, logits, data.labels, data.classes, seed=given["seed"], rows=data.rows
    )
    return call(attack, model, data, targets, **given), targets


def _unattacked(data: Images) -> AttackResult:
    """Return the result for images that were not attacked: all NON_FINITE."""
    nothing = torch.zeros_like(data.labels)
    return AttackResult(
        originals=data.images,
        images=data.images.clone(),
        success=torch.zeros_like(nothing, dtype=torch.bool),
        status=torch.full_like(nothing, Status.NON_FINITE),
        forwards=nothing,
        backwards=nothing.clone(),
        penalty=torch.full_like(nothing, torch.nan, dtype=torch.float64),
    )


def _columns(found, targets, seen, data, logits, fine, keeps_failures) -> Columns:
    success, fine = found.success.cpu().numpy(), fine.cpu().numpy()
    short = ~(success | (keeps_failures & fine))
    clean = predictions(logits, data.classes).cpu().numpy()
    labels = data.labels.cpu().numpy()
    aims = np.ma.masked_all(len(short), np.int64)
    if targets is not None:
        aims = np.ma.masked_less(targets.cpu().numpy(), 0)
    answered = np.array([outcome is not None for outcome in seen.outcome])
    probability = logits.double().softmax(dim=1).amax(dim=1).cpu().numpy()
    of_lengths = {name: np.ma.array(value, mask=short) for name, value in seen.lengths.items()}
    return of_lengths | {
        "index": data.rows,
        "label": labels,
        "target": aims,
        "prediction": np.ma.array(clean, mask=~fine),
        "outcome": outcomes(clean, labels),
        "confidence": np.ma.array(probability, mask=~fine),
        "attacked_prediction": np.ma.array(seen.prediction, mask=~answered),
        "attacked_outcome": seen.outcome,
        "attacked_confidence": np.ma.masked_invalid(seen.confidence),
        "mistaken": seen.mistaken,
        "certain": seen.certain,
        "inside": seen.inside,
        "success": success,
        "status": np.array([Status(s).name for s in found.status.tolist()]),
        "distortion": np.ma.array(found.distortion.cpu().numpy(), mask=short),
        "rounded_outcome": seen.rounded_outcome,
        "rounded_success": seen.rounded_success,
        "penalty": np.ma.masked_where(
            ~success, np.ma.masked_invalid(found.penalty.cpu().double().numpy())
        ),
        "forwards": found.forwards.cpu().numpy(),
        "backwards": found.backwards.cpu().numpy(),
        "image": found.images.cpu().numpy(),
    }
