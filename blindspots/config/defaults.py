"""The section `defaults`: models and trainers that complete those of each net."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from blindspots.config import methods, traits
from blindspots.config.settings import PROVIDED
from blindspots.interface import InputError

Config = dict[str, Any]

PARTS = {"model": "models", "trainer": "trainers"}
"""Parts of a net that have defaults, each with the role of its methods."""


def method_of(instance: Any) -> Any:
    """Return an instance as a mapping; a name alone is that of a method without settings."""
    return {"method": instance} if isinstance(instance, str) else instance


def lay_under(nets: Config, defaults: Config, kept: Mapping[str, set[str]]) -> dict[str, str]:
    """Lay defaults under nets, in place.

    A default that names a method applies to nets that name the same one or none; one that names no
    method, to nets whose method takes the setting.

    Args:
        nets: nets by name.
        defaults: defaults for `model`, `trainer` and `train_on`.
        kept: parts without a default, as null removes it, by net.

    Returns:
        The key of the default, by key that a net takes from it.
    """
    made = {}
    for name, net in nets.items():
        for part, role in PARTS.items():
            default = defaults.get(part)
            if default is None or part in kept.get(name, ()):
                continue
            if part == "trainer" and "trainer" not in net and _is_complete(net):
                continue
            own = net.get(part, {})
            laid = {key: default[key] for key in _laid_under(default, own, role)}
            for key in laid.keys() - own.keys():
                made[f"nets.{name}.{part}.{key}"] = f"defaults.{part}.{key}"
            if laid or own:
                net[part] = laid | own
        if "trainer" in net and "train_on" not in net and "train_on" not in kept.get(name, ()):
            net["train_on"] = defaults.get("train_on", "train")
            if "train_on" in defaults:
                made[f"nets.{name}.train_on"] = "defaults.train_on"
    return made


def default_faults(nets: Config, defaults: Config) -> list[str]:
    """Return a line for each default that applies to no net's method."""
    faults = []
    for part, role in PARTS.items():
        default, key = defaults.get(part), f"defaults.{part}"
        if default is None:
            continue
        used = {net[part]["method"] for net in nets.values() if "method" in net.get(part, {})}
        method = default.get("method")
        if method is not None and method not in used:
            faults.append(
                f"{key}.method: expected the method of a net's {part} ({_list(used)}), found "
                f"{method!r}, which no net has; remove it"
            )
            continue
        for setting in default.keys() - {"method"}:
            takers = used if method is None else {method}
            if not any(_may_take(role, taker, setting) for taker in takers):
                known = {name for taker in takers for name in _settings(role, taker)}
                hint = methods.did_you_mean(setting, known)
                faults.append(
                    f"{key}.{setting}: expected a setting of {_list(takers)} "
                    f"({_list(known)}), found {setting!r}{hint}"
                )
    return faults


def _laid_under(default: Config, own: Config, role: str) -> list[str]:
    """Return the keys of a default that apply to a net's own instance, in order."""
    if "method" in default:
        return [*default] if own.get("method", default["method"]) == default["method"] else []
    return [name for name in default if "method" in own and _may_take(role, own["method"], name)]


def _is_complete(net: Config) -> bool:
    """Return whether a net needs no trainer: its weights are given, or come from its model.

    A model made of other nets has their weights, unless `train_on` says that it is trained.
    """
    with suppress(InputError):  # no such method, reported with the methods
        model = net.get("model", {})
        if "method" in model and traits.own_weights(model["method"], model) is not None:
            return True
        known = methods.settings("models", model["method"]) if "method" in model else None
        if known is not None and "parents" in known[1] and "train_on" not in net:
            return True
    return "weights" in net


def _settings(role: str, method: str) -> frozenset[str]:
    with suppress(InputError):  # reported with the methods
        found = methods.settings(role, method)
        return frozenset() if found is None else found[0] - PROVIDED[role]
    return frozenset()


def _may_take(role: str, method: str, setting: str) -> bool:
    with suppress(InputError):  # reported with the methods
        found = methods.settings(role, method)
        return found is None or setting in found[0] - PROVIDED[role]
    return True


def _list(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
