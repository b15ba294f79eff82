"""The families of attacks: the goal of the search and its norms, declared where it is defined.

A *minimal* attack looks for the smallest perturbation that reaches the goal, a *budget* attack for
the best one within a radius `eps`, which it takes as a setting. A *control* has no goal and no
model. The workflow reads the declaration from the source, without importing it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from blindspots.interface import InputError

NORMS = ("l0", "l1", "l2", "linf")
"""Names of norms in configs and tables; `threat.norms` defines them."""

KINDS = ("minimal", "budget", "control")

Attack = TypeVar("Attack", bound=Callable[..., object])


class Family(NamedTuple):
    """Family of an attack: what it searches for.

    Attributes:
        kind: "minimal", "budget" or "control".
        norms: norms in which it measures; the attack's setting `norm` chooses one of several.
    """

    kind: str
    norms: tuple[str, ...]


UNDECLARED = Family("minimal", ("l2",))
"""Family of an attack that declares none."""


def minimal(*norms: str) -> Callable[[Attack], Attack]:
    """Declare an attack that looks for the smallest perturbation in any of these norms."""
    return _declare(Family("minimal", norms))


def budget(*norms: str) -> Callable[[Attack], Attack]:
    """Declare an attack that stays within a radius `eps` in any of these norms."""
    return _declare(Family("budget", norms))


def control(attack: Attack) -> Attack:
    """Declare a perturbation that no adversary chose: it takes None for a model."""
    return _declare(Family("control", ()))(attack)


def family_of(attack: Callable[..., object]) -> Family:
    """Family and norms that an attack declares."""
    found = getattr(attack, "family", UNDECLARED)
    return found if isinstance(found, Family) else UNDECLARED


def radii(settings: Mapping[str, Any]) -> list[float | None]:
    """Return the radii in an attack's settings; [None] for a minimal attack."""
    eps = settings.get("eps")
    return list(eps) if isinstance(eps, Sequence) else [eps]


def _declare(family: Family) -> Callable[[Attack], Attack]:
    unknown = [norm for norm in family.norms if norm not in NORMS]
    if unknown or not (family.norms or family.kind == "control"):
        found = unknown[0] if unknown else "none"
        raise InputError(
            f"{family.kind}: expected one or more of the norms {', '.join(NORMS)}, found {found!r}"
        )

    def declared(attack: Attack) -> Attack:
        attack.family = family  # type: ignore[attr-defined]
        return attack

    return declared
