"""What is wrong with a config's use of a method, by the method's signature."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from blindspots.config import methods
from blindspots.config.annotations import misfit
from blindspots.config.wording import key_of, shown
from blindspots.interface import InputError

PROVIDED: dict[str, set[str]] = {
    "datasets": {"root"},
    "derived": {"parents", "seed", "box", "classes", "file"},
    "models": {"parents"},
    "trainers": {"progress", "checkpoint", "seed", "classes", "box"},
    "attacks": {"box", "classes", "eps", "mask", "others", "parents", "rows", "seed"},
    "certificates": set(),
    "analyses": {"labels", "margins"},
    "figures": {"labels"},
}
"""Settings that the workflow passes itself, by role."""

EVIDENCE = {
    "experiment": (
        "split", "clean", "history", "attacks", "transfer", "pictures", "radii", "curves",
        "gradients", "looseness", "lipschitz", "ledger",
    ),
    "operators": ("operators",),
    "units": ("units", "unit_rotations", "unit_pictures"),
}  # fmt: skip
"""The tables that an analysis or a figure can read, by the names of its positional parameters.

By the section of the config that it names its subject in.
"""

FOLDER = {"root"}
"""The setting of datasets that says where the files are."""


def method_faults(
    key: str, role: str, instance: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[str]:
    """A line for each fault.

    Args:
        key: of the instance in the config.
        role: such as "attacks".
        instance: the mapping that names the method.
        given: the settings in it.
    """
    method = instance["method"]
    try:
        settings = methods.settings(role, method)
        found = _too_few(role, method)
        if found is not None:
            expected = ", ".join(methods.ARGUMENTS[role])
            yield f"{key}.method: expected a function of ({expected}), found one of ({found})"
            return
        if role in ("analyses", "figures"):
            inputs, subject = methods.inputs(role, method), _subject(instance)
            yield from _unknown_tables(key, inputs, subject) if subject else ()
        parameters = methods.parameters_of(role, method)
    except InputError as error:
        yield f"{key}.method: {error}"
        return
    if settings is not None:
        known, required = settings
        if role == "datasets" and instance["root"] is not None and "root" not in known:
            yield f"{key}.root: expected none for {method}, found {instance['root']!r}; remove it"
        own = known - PROVIDED[role]
        for name in sorted(given.keys() - own - (FOLDER if role == "datasets" else set())):
            hint = methods.did_you_mean(name, own)
            expected = ", ".join(sorted(own)) or "none"
            yield f"{key}: expected settings of {method} ({expected}), found {name!r}{hint}"
        for name in sorted(required - (PROVIDED[role] - FOLDER) - given.keys()):
            yield f"{key}: expected the setting {name!r} of {method}, found none; add it"
    for name in given.keys() & parameters.keys():
        yield from _misfits(f"{key}.{name}", given[name], parameters[name])


def _misfits(key: str, value: Any, parameter: ast.arg) -> Iterator[str]:
    """A line where a value is not what a parameter's annotation says."""
    found = misfit(value, parameter.annotation) if parameter.annotation else None
    if found is not None:
        for step in found.path:
            key, value = f"{key}.{key_of([step])}", value[step]
        meaning = f" ({parameter.type_comment})" if parameter.type_comment else ""
        yield f"{key}: expected {found.expected}{meaning}, found {shown(value)}"


def _too_few(role: str, method: str) -> str | None:
    """The parameters of a function that cannot take what the workflow passes by place."""
    signature = methods._signature(role, method)
    if signature is None or signature.vararg:
        return None
    own = [*signature.posonlyargs, *signature.args]
    few = len(own) < len(methods.ARGUMENTS.get(role, ()))
    return ast.unparse(signature) if few else None


def _subject(instance: Mapping[str, Any]) -> str | None:
    """The one section that a table or a figure names its subject in."""
    named = [section for section in EVIDENCE if instance[section] is not None]
    return named[0] if len(named) == 1 else None


def _unknown_tables(key: str, wanted: list[str], subject: str) -> Iterator[str]:
    for name in wanted:
        if name not in EVIDENCE[subject]:
            hint = methods.did_you_mean(name, EVIDENCE[subject]) or "; settings come after a *"
            elsewhere = next((s for s in EVIDENCE if name in EVIDENCE[s]), None)
            if elsewhere is not None:
                hint = f"; name {elsewhere}, not {subject}"
            expected = ", ".join(EVIDENCE[subject])
            yield f"{key}.method: expected to read tables ({expected}), found {name!r}{hint}"
