"""Faults in a config's use of a method, found by the method's signature."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from blindspots.config import methods, traits
from blindspots.config.annotations import mentions, misfit
from blindspots.config.declarations import (
    EVERYWHERE,
    OF_EXPERIMENTS,
    PARAMETERS,
    certificate,
    measurement,
)
from blindspots.config.values import is_number
from blindspots.config.wording import key_of, shown
from blindspots.interface import InputError

PROVIDED: dict[str, set[str]] = {
    "datasets": {"root"},
    "derived": {"parents", "seed", "box", "classes", "file"},
    "models": {"parents"},
    "trainers": {
        "attacked", "box", "checkpoint", "classes", "generator", "parents", "progress", "seed",
        "validation",
    },
    "attacks": {"box", "classes", "eps", "mask", "others", "parents", "rows", "seed"},
    "certificates": {"classes"},
    "measurements": set(),
    "analyses": {
        "answers", "labels", "printed", "stands_for", "trained_on", "unclipped", "under",
    },
    "figures": {"labels", "paper", "trained_on"},
}  # fmt: skip
"""Settings that the workflow passes itself, by role."""

FOLDER = {"root"}
"""Setting of datasets with the folder of their files."""


def method_faults(
    key: str, role: str, instance: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a line for each fault in the use of a method.

    Args:
        key: key of the instance in the config.
        role: role of the method, such as "attacks".
        instance: section that names the method.
        given: the method's settings in this section.
    """
    method = instance["method"]
    try:
        settings = methods.settings(role, method)
        found = _too_few(role, method)
        if found is not None:
            expected = ", ".join(methods.ARGUMENTS[role])
            yield f"{key}.method: expected a function with parameters ({expected}), found ({found})"
            return
        if role == "certificates":
            certificate(method)
        elif role in ("analyses", "figures"):
            methods.inputs(role, method)
        parameters = methods.parameters_of(role, method)
    except InputError as error:
        yield f"{key}.method: {error}"
        return
    if settings is not None:
        known, required = settings
        if role == "datasets" and instance["root"] is not None and "root" not in known:
            yield f"{key}.root: expected none for {method}, found {instance['root']!r}; remove it"
        own = known - PROVIDED[role]
        other = set(OF_EXPERIMENTS) if role == "measurements" else set()
        asked = _inputs(method) if role == "measurements" else set()  # reported with the entries
        for name in sorted(given.keys() - own - (FOLDER if role == "datasets" else set())):
            hint = methods.did_you_mean(name, own)
            expected = ", ".join(sorted(own)) or "none"
            yield f"{key}.{name}: expected a setting of {method} ({expected}), found {name!r}{hint}"
        for name in sorted(required - (PROVIDED[role] - FOLDER) - other - asked - given.keys()):
            meaning = _meaning(parameters.get(name))
            yield f"{key}: expected the setting {name!r} of {method}{meaning}, found none; add it"
    for name in given.keys() & parameters.keys():
        yield from _misfits(f"{key}.{name}", given[name], parameters[name])
    for name, instead in traits.without_effect(role, method, given).items():
        if name in given:
            yield (
                f"{key}.{name}: expected either {name} or {instead}, found both, of which {name} "
                "has no effect; remove one"
            )
    usual = methods.defaults(role, method)
    for name, (beside, needed) in traits.missing_beside(role, method, given).items():
        value = given.get(beside, usual.get(beside))
        if misfit(value, parameters[beside].annotation) is None:  # else reported above
            yield (
                f"{key}.{name}: expected {beside}: {needed} beside it, found {beside}: {value}, "
                f"with which {name} has no effect; add {beside}: {needed}, or leave {name} out"
            )
    yield from _beyond(key, instance, usual, parameters)


def _misfits(key: str, value: Any, parameter: ast.arg) -> Iterator[str]:
    """Yield a line if a value does not fit a parameter's annotation."""
    found = misfit(value, parameter.annotation) if parameter.annotation else None
    if found is not None:
        for step in found.path:
            key, value = f"{key}.{key_of([step])}", value[step]
        yield f"{key}: expected {found.expected}{_meaning(parameter)}, found {shown(value)}"


def _meaning(parameter: ast.arg | None) -> str:
    return f" ({parameter.type_comment})" if parameter and parameter.type_comment else ""


def _beyond(
    key: str,
    instance: Mapping[str, Any],
    defaults: Mapping[str, Any],
    parameters: Mapping[str, ast.arg],
) -> Iterator[str]:
    """Yield a line for each value above the limit that another key of the instance sets."""
    for name, parameter in parameters.items():
        if parameter.annotation is None:
            continue
        value = instance.get(name, defaults.get(name))
        if misfit(value, parameter.annotation) is not None:
            continue  # reported with the values
        for _, part, (other, *less), _ in mentions(value, parameter.annotation, "up_to"):
            limit = instance.get(other)
            if is_number(part) and is_number(limit) and part > (most := limit - sum(less)):
                yield (
                    f"{key}.{name}: expected at most {most:g}, as {other} is {limit:g}, found "
                    f"{shown(part)}; lower it, or raise {other}"
                )


def _too_few(role: str, method: str) -> str | None:
    """Return a function's parameters if the workflow passes more by position; None if not."""
    signature = methods.signature(role, method)
    if signature is None or signature.vararg:
        return None
    own = [*signature.posonlyargs, *signature.args]
    few = len(own) < len(methods.ARGUMENTS.get(role, ()))
    return ast.unparse(signature) if few else None


def _inputs(method: str) -> set[str]:
    """Return the names by which a measurement asks for inputs; none if it declares no subject."""
    try:
        return {*PARAMETERS[measurement(method).subject], *EVERYWHERE}
    except InputError:
        return set()
