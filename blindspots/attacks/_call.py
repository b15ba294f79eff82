"""Call an attack with its settings, and with those of the workflow's that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from blindspots.interface import AttackResult
from blindspots.methods import accepted
from blindspots.parts import Images


def call(
    attack: Callable[..., AttackResult],
    model: nn.Module | None,
    data: Images,
    targets: Tensor | None,
    *,
    seed: int,
    settings: Mapping[str, Any],
) -> AttackResult:
    """Attack images.

    Args:
        attack: of the attacks' contract.
        model: images to logits; None for a control that needs no model.
        data: what is attacked.
        targets: (n,), or None.
        seed: of the attack's own draws.
        settings: of the attack.
    """
    offered = accepted(attack, box=data.box, classes=data.classes, seed=seed, rows=data.rows)
    return attack(model, data.images, data.labels, targets, **offered, **settings)
