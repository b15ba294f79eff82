"""Faults in the threats of a config: radii, norms, masks, and further nets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from blindspots.config import methods
from blindspots.config.declarations import norm_of
from blindspots.config.values import is_number
from blindspots.config.wording import shown, unknown
from blindspots.families import NORMS
from blindspots.interface import InputError


def attack_faults(
    key: str, attack: Mapping[str, Any], given: Mapping[str, Any], nets: Mapping[str, Any]
) -> Iterator[str]:
    """A line for each fault.

    Args:
        key: key of the attack in the config.
        attack: its section.
        given: the settings in it.
        nets: those of the config.
    """
    method = attack["method"]
    try:
        family, settings = methods.family(method), methods.settings("attacks", method)
    except InputError:
        return  # reported with the methods
    known = None if settings is None else settings[0]
    for norm in family.norms:
        if norm not in NORMS:
            expected = ", ".join(NORMS)
            yield f"{key}.method: expected {method} to declare norms of {expected}, found {norm!r}"
    if "eps" in given:
        if family.kind != "budget":
            yield (
                f"{key}.eps: expected no radius for {method}, a {family.kind} attack, found "
                f"{shown(given['eps'])}; remove it, or declare the attack by @budget"
            )
        else:
            yield from _radius_faults(f"{key}.eps", given["eps"])
    elif family.kind == "budget":
        yield f"{key}: expected a radius eps, or several, for {method}, found none; add it"
    if "norm" in given and family.norms and given["norm"] not in family.norms:
        yield (
            f"{key}.norm: expected a norm that {method} declares ({', '.join(family.norms)}), "
            f"found {shown(given['norm'])}"
        )
    for name in ("mask", "parents"):
        if attack[name] and known is not None and name not in known:
            yield f"{key}.{name}: expected none for {method}, which takes none; remove it"
    if attack["mask"] is not None and not Path(attack["mask"]).is_file():
        yield f"{key}.mask: expected an .npy file, found none at {shown(attack['mask'])}"
    for role, parent in attack["parents"].items():
        yield from unknown(f"{key}.parents.{role}", parent, nets, "a net")
    if settings is not None and "parents" in settings[1] and not attack["parents"]:
        yield f"{key}: expected parents for {method}, found none; add them"


def certificate_faults(key: str, method: str, given: Mapping[str, Any]) -> Iterator[str]:
    """A line for an invalid norm of a certificate, or an invalid radius `eps`.

    Args:
        key: key of the certificate in the config.
        method: its method, which can be read.
        given: the settings in it.
    """
    norm, eps = norm_of(method, given), given.get("eps")
    if norm not in NORMS:
        yield f"{key}.norm: expected one of {', '.join(NORMS)}, found {shown(norm)}"
    if eps is not None and not _is_radius(eps):
        yield f"{key}.eps: expected a radius of at least 0, found {shown(eps)}"


def _is_radius(value: Any) -> bool:
    return is_number(value) and 0 <= value < math.inf  # a NaN neither


def _radius_faults(key: str, eps: Any) -> Iterator[str]:
    radii = eps if isinstance(eps, list) else [eps]
    for radius in radii:
        if not _is_radius(radius):
            yield f"{key}: expected radii of at least 0, found {shown(radius)}"
            return
    if len({*radii}) < max(len(radii), 1):
        yield f"{key}: expected one radius or several different ones, found {shown(eps)}"
