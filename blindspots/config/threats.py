"""Faults in the threats of a config: radii, norms, masks and parents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from blindspots.config import methods, traits
from blindspots.config.datasets import parent_faults, plain_of
from blindspots.config.declarations import norm_of
from blindspots.config.values import is_number
from blindspots.config.wording import shown
from blindspots.families import NORMS
from blindspots.interface import InputError

LONGEST = 2.0
"""Largest length per pixel for images in [0, 1]: noise of twice their range."""

OF_FLOAT32 = 1e6
"""Largest length per pixel for any dataset."""


def attack_faults(
    key: str, attack: Mapping[str, Any], given: Mapping[str, Any], nets: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a line for each fault in an attack's norms, radii, mask and parents.

    Args:
        key: key of the attack in the config.
        attack: the attack's section.
        given: the method's settings in this section.
        nets: the config's nets.
    """
    method = attack["method"]
    try:
        family, settings = traits.family(method), methods.settings("attacks", method)
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
                f"{shown(given['eps'])}; remove it, or declare the attack with @budget"
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
    if attack["mask"] and known is not None and "mask" not in known:
        yield f"{key}.mask: expected none for {method}, which takes none; remove it"
    if attack["mask"] is not None and not Path(attack["mask"]).is_file():
        yield f"{key}.mask: expected an .npy file, found none at {shown(attack['mask'])}"
    yield from parent_faults(key, attack["parents"], [("attacks", method)], nets)


def length_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each length per pixel that cannot be meant for images in [0, 1].

    The package's datasets, and others made from them, have such images.

    Args:
        config: the whole config, without unknown names.
    """
    found: dict[str, str] = {}
    for name, experiment in config["experiments"].items():
        dataset = plain_of(config["datasets"], experiment["data"])
        if ":" in config["datasets"][dataset]["method"]:
            continue  # a user's dataset, with a box of its own
        lengths = [(f"experiments.{name}.amplify", experiment["amplify"])]
        for attack in [*experiment["attacks"], *experiment["controls"]]:
            lengths += _lengths_of(f"attacks.{attack}", config["attacks"][attack])
        for key, given in lengths:
            for length in given if isinstance(given, list) else [given]:
                if is_number(length) and LONGEST < length <= OF_FLOAT32:
                    found[key] = (
                        f"{key}: expected at most {LONGEST:g}, as pixels of {dataset} are between "
                        f"0 and 1, found {length:g}; divide it by 255 if 255 is white"
                    )
    yield from found.values()


def _lengths_of(key: str, attack: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Iterate over an attack's settings that are lengths per pixel: their keys and values."""
    with suppress(InputError):  # reported with the methods
        for name in traits.marked("attacks", attack["method"], "of_pixels"):
            yield f"{key}.{name}", attack.get(name)
        family = traits.family(attack["method"])
        default = methods.defaults("attacks", attack["method"]).get("norm", *family.norms[:1])
        if family.kind == "budget" and attack.get("norm", default) == "linf":
            yield f"{key}.eps", attack.get("eps")


def certificate_faults(key: str, method: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for an invalid norm of a certificate, or an invalid radius `eps`.

    Args:
        key: key of the certificate in the config.
        method: the certificate's method, which is valid.
        given: the method's settings in the certificate's section.
    """
    norm, eps = norm_of(method, given), given.get("eps")
    if norm not in NORMS:
        yield f"{key}.norm: expected one of {', '.join(NORMS)}, found {shown(norm)}"
    if eps is not None and not _is_radius(eps):
        yield f"{key}.eps: expected a radius of at least 0, found {shown(eps)}"


def _is_radius(value: Any) -> bool:
    return is_number(value) and 0 <= value < math.inf  # false for NaN


def _radius_faults(key: str, eps: Any) -> Iterator[str]:
    radii = eps if isinstance(eps, list) else [eps]
    for radius in radii:
        if not _is_radius(radius):
            yield f"{key}: expected radii of at least 0, found {shown(radius)}"
            return
    if len({*radii}) < max(len(radii), 1):
        yield f"{key}: expected one radius or several different ones, found {shown(eps)}"
