"""Catalogue of the methods: summaries and settings in words, read without importing them."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, NamedTuple

from blindspots import limits
from blindspots.config import methods, traits
from blindspots.config.annotations import (
    LISTS,
    MAPPINGS,
    TYPES,
    alternatives,
    is_of_arrays,
    item_of,
    marks,
)
from blindspots.config.declarations import OF_EXPERIMENTS, measurement
from blindspots.config.measurements import keys_of
from blindspots.config.schema import own_keys
from blindspots.config.settings import FOLDER, PROVIDED
from blindspots.config.sources import constant, function_docstring, syntax_tree

ROLES = (
    "datasets", "models", "trainers", "attacks", "certificates", "measurements", "analyses",
    "figures",
)  # fmt: skip

RADIUS = {"eps"}
"""Setting of budget attacks that the workflow passes, and a config gives: one or more radii."""

INSTEAD = {"mirror", "over_epochs", "own_weights"}
"""Limits whose words describe a value completely, its type included."""


class Setting(NamedTuple):
    """A setting of a method, in words.

    Attributes:
        name: key in a config.
        values: allowed values, in words: the type and the limits.
        default: default value in YAML; None if the setting is required.
        meaning: description from the docstring; empty if there is none.
    """

    name: str
    values: str
    default: str | None
    meaning: str


def summary(role: str, method: str) -> str:
    """Return the first line of the docstring of a method's module, or of a user's own function.

    Raises:
        InputError: no such module or function.
    """
    module, function = methods.locate(role, method)
    if ":" not in method:
        path = methods.source(module)
        text = None if path is None else ast.get_docstring(syntax_tree(path))
    else:
        text = function_docstring(module, function)
    return (text or "").partition("\n")[0]


def description(role: str, method: str) -> str:
    """Return the first paragraph of the docstring of a method's function; empty if there is none.

    Raises:
        InputError: no such module or function.
    """
    text = function_docstring(*methods.locate(role, method)) or ""
    return text.partition("\n\n")[0].replace("\n", " ")


def settings(role: str, method: str) -> list[Setting] | None:
    """Return the settings that a config can give a method, in the order of its signature.

    Returns:
        The settings; None if the source does not show them.

    Raises:
        InputError: no such module or function.
    """
    found = methods.settings(role, method)
    if found is None:
        return None
    known, required = found
    hidden = PROVIDED[role] - (FOLDER if role == "datasets" else RADIUS)
    hidden = hidden | set(OF_EXPERIMENTS if role == "measurements" else ())
    module, _ = methods.locate(role, method)
    defaults = methods.default_expressions(role, method)
    return [
        Setting(
            name,
            "any value" if parameter.annotation is None else words(parameter.annotation),
            None if name in required else _default(defaults[name], module),
            re.sub(r"\bNone\b", "null", getattr(parameter, "meaning", "")),
        )
        for name, parameter in methods.parameters_of(role, method).items()
        if name in known - hidden
    ]


def of_experiment(method: str) -> list[str]:
    """Return the keys of an experiment that a measurement of it reads.

    Raises:
        InputError: no such module or function.
    """
    known, _ = methods.settings("measurements", method) or (frozenset(), frozenset())
    return [name for name in OF_EXPERIMENTS if name in known]


def keys(role: str, method: str) -> set[str]:
    """Return the keys that an entry can have in addition to the settings of its method.

    Raises:
        InputError: no such module or function.
    """
    if role == "attacks":
        own = {key for key in ("mask", "parents") if methods.takes(role, method, key)}
        return own | ({"target"} if traits.needs_model(method) else set())
    if role == "measurements":
        wanted = methods.inputs(role, method)
        fitting = {key for key, fits in keys_of(measurement(method), wanted).items() if fits}
        asking = {"n": {"data"}, "data": {"data", "train"}, "parents": {"parents"}}
        if measurement(method).subject == "run":
            asking["nets"] = {"nets"}
        unasked = {key for key, inputs in asking.items() if inputs.isdisjoint(wanted)}
        return (fitting | {"parents"}) - unasked
    if role in ("certificates", "analyses", "figures"):
        return {*own_keys(role)} - {"method"}
    return set()


def words(annotation: ast.expr) -> str:
    """Return the values that an annotation allows, such as "a whole number (at least 1)".

    Args:
        annotation: annotation from `config.signatures.parameters`, with aliases resolved.
    """
    match annotation:
        case ast.BinOp(_, ast.BitOr(), _) | ast.Subscript(ast.Name("Optional" | "Union")):
            given = (words(one) for one in alternatives(annotation) if not is_of_arrays(one))
            return ", or ".join(dict.fromkeys(given))
        case ast.Constant(None):
            return "null"
        case ast.Name(name) if name in TYPES:
            return TYPES[name][0]
        case ast.Subscript(ast.Name("Literal"), choices):
            known = [c.value for c in ast.walk(choices) if isinstance(c, ast.Constant)]
            return f"one of {', '.join(map(_as_yaml, known))}" if known[1:] else _as_yaml(known[0])
        case ast.Subscript(ast.Name("Annotated"), ast.Tuple([inner, *said])):
            return _limited(words(inner), said)
        case ast.Subscript(ast.Name("NotRequired" | "Required"), inner):
            return words(inner)
        case ast.Subscript(ast.Name(name), items) if name in LISTS:
            return f"a list, each entry {words(item_of(items))}"
        case ast.Subscript(ast.Name(name), ast.Tuple([key, item])) if name in MAPPINGS:
            return f"a mapping, each key {words(key)}, each value {words(item)}"
        case ast.Call(ast.Name("TypedDict"), [], fields):
            return f"a mapping with {'; '.join(map(_field, fields))}"
    return ast.unparse(annotation)


def _limited(value: str, said: list[ast.expr]) -> str:
    """Add the words for limits to those for a value; the words for some limits replace them."""
    known = []
    for name, arguments in marks(said):
        if name == "one_of_its":
            return _named(*arguments)
        limit = getattr(limits, name)(*arguments)
        if name in INSTEAD:
            return f"{limit.words}, or null" if value.endswith("null") else str(limit.words)
        known.append(limit.words)
    kind, separator, parts = value.partition(", each ")
    return f"{kind} ({', '.join(known)}){separator}{parts}" if known else value


def _named(of: str | dict[str, str], by: str = "") -> str:
    """Return the words for `limits.one_of_its`."""
    kinds = [of] if isinstance(of, str) else list(of.values())
    if of == "printed rows":
        return "a row of a printed table, TABLE/ROW, or a pattern"
    named = {
        "nets": "sources and victims", "parts": "split's parts", "printed": "printed tables",
        "patterns": "sources and victims, or a pattern of them",
    }  # fmt: skip
    kinds = [named.get(kind, kind) for kind in kinds]
    return f"one of the {' or '.join(kinds)}" + (f", by {by}" if by else "")


def _field(field: ast.keyword) -> str:
    match field.value:
        case ast.Subscript(ast.Name("NotRequired"), inner):
            return f"{field.arg} (optional): {words(inner)}"
    return f"{field.arg}: {words(field.value)}"


def _default(expression: ast.expr, module: str) -> str:
    """Return a default as a config would write it, or as in the source if a call makes it."""
    try:
        return _as_yaml(ast.literal_eval(expression))
    except ValueError:
        name = expression.id if isinstance(expression, ast.Name) else None
        value = None if name is None else constant(module, name)
        return ast.unparse(expression) if value is None else _as_yaml(value)


def _as_yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
