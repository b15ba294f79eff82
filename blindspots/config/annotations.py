"""Check config values against the annotations of a method's parameters, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from blindspots import limits

TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "str": ("text", (str,)),
    "bool": ("true or false", (bool,)),
}
"""Built-in types that YAML has: the words for a message, and the Python types of a value."""

LISTS, MAPPINGS = {"Sequence", "list", "tuple", "Iterable"}, {"Mapping", "dict"}


class Misfit(NamedTuple):
    """A mismatch between a value and its annotation.

    Attributes:
        expected: values that fit, in words.
        path: keys from the value to the part that does not fit.
        of_type: whether the value already has the wrong type.
    """

    expected: str
    path: tuple[int | str, ...] = ()
    of_type: bool = False


def misfit(value: Any, annotation: ast.expr) -> Misfit | None:
    """Return how a value violates an annotation; None if it fits, or if that is unknown.

    Args:
        value: value from YAML.
        annotation: annotation from `config.signatures.parameters`, with aliases resolved.
    """
    match annotation:
        case ast.BinOp(_, ast.BitOr(), _) | ast.Subscript(ast.Name("Optional" | "Union")):
            return _of_any(value, list(alternatives(annotation)))
        case ast.Constant(None):
            return None if value is None else Misfit("null", of_type=True)
        case ast.Name(name) if name in TYPES:
            words, types = TYPES[name]
            fits = isinstance(value, types) and isinstance(value, bool) <= (name == "bool")
            return None if fits else Misfit(words, of_type=True)
        case ast.Subscript(ast.Name("Literal"), choices):
            return _of_choices(value, choices)
        case ast.Subscript(ast.Name("Annotated"), ast.Tuple([inner, *said])):
            return misfit(value, inner) or _beyond(value, said)
        case ast.Subscript(ast.Name(name), items) if name in LISTS:
            return _of_items(value, items)
        case ast.Subscript(ast.Name(name), keys_and_values) if name in MAPPINGS:
            return _of_entries(value, keys_and_values)
        case ast.Call(ast.Name("TypedDict"), [], fields):
            return _of_fields(value, {str(field.arg): field.value for field in fields})
    return None


def takes_list(annotation: ast.expr | None) -> bool:
    """Return whether a parameter may take a list, as far as its annotation tells.

    Args:
        annotation: annotation as in `misfit`; None or an unknown name may take a list.
    """
    match annotation:
        case ast.Constant(None) | ast.Subscript(ast.Name("Literal")):
            return False
        case ast.Name(name) if name in TYPES:
            return False
        case ast.Subscript(ast.Name("Annotated"), ast.Tuple([inner, *_])):
            return takes_list(inner)
        case ast.BinOp(_, ast.BitOr(), _) | ast.Subscript(ast.Name("Optional" | "Union")):
            given = (one for one in alternatives(annotation) if not is_of_arrays(one))
            return any(map(takes_list, given))
    return True


def is_of_several(values: list[Any], annotation: ast.expr | None) -> bool:
    """Return whether a list holds several values of a parameter, and is not one value itself.

    Args:
        values: the list.
        annotation: annotation as in `misfit`; None: the list is one value.
    """
    if not takes_list(annotation):
        return True
    if annotation is None or misfit(values, annotation) is None:
        return False
    return all(misfit(value, annotation) is None for value in values)


def mentions(
    value: Any, annotation: ast.expr, mark: str, beside: Mapping[str, Any] | None = None
) -> Iterator[tuple[tuple[int | str, ...], Any, list[Any], Mapping[str, Any]]]:
    """Iterate over the parts of a valid value whose annotations have a mark of `limits`.

    Yields:
        The path to a part, the part, the mark's arguments, and the mapping that holds it.
    """
    beside = {} if beside is None else beside
    parts: list[tuple[tuple[int | str, ...], Any, ast.expr]] = []
    match annotation:
        case ast.BinOp(_, ast.BitOr(), _) | ast.Subscript(ast.Name("Optional" | "Union")):
            fitting = (one for one in alternatives(annotation) if misfit(value, one) is None)
            parts += [((), value, one) for one in fitting][:1]
        case ast.Subscript(ast.Name("Annotated"), ast.Tuple([inner, *said])):
            for name, arguments in marks(said):
                if name == mark:
                    yield (), value, arguments, beside
            parts = [((), value, inner)]
        case ast.Subscript(ast.Name("NotRequired" | "Required"), inner):
            parts = [((), value, inner)]
        case ast.Subscript(ast.Name(name), items) if name in LISTS and isinstance(value, list):
            parts = [((number,), one, item_of(items)) for number, one in enumerate(value)]
        case ast.Subscript(ast.Name(name), ast.Tuple([key, item])) if name in MAPPINGS:
            parts = [((name,), name, key) for name in value]
            parts += [((name,), one, item) for name, one in value.items()]
        case ast.Call(ast.Name("TypedDict"), [], fields):
            beside = value
            parts = [((f.arg,), value.get(f.arg), f.value) for f in fields if f.arg is not None]
    for path, part, inner in parts:
        for rest, *found in mentions(part, inner, mark, beside):
            yield ((*path, *rest), *found)


def alternatives(annotation: ast.expr) -> Iterator[ast.expr]:
    """Iterate over the members of a union; any other annotation is its own only member."""
    match annotation:
        case ast.BinOp(left, ast.BitOr(), right):
            yield from (*alternatives(left), *alternatives(right))
        case ast.Subscript(ast.Name("Optional"), inner):
            yield from (*alternatives(inner), ast.Constant(None))
        case ast.Subscript(ast.Name("Union"), ast.Tuple(parts)):
            for part in parts:
                yield from alternatives(part)
        case _:
            yield annotation


def _of_any(value: Any, alternatives: list[ast.expr]) -> Misfit | None:
    plain = {ast.dump(one) for one in alternatives}
    if value == [] and any(ast.dump(one) in plain for one in map(_item_of, alternatives) if one):
        return Misfit("a value or several")
    found = [misfit(value, one) for one in alternatives if not is_of_arrays(one)]
    misfits = [one for one in found if one is not None]
    if len(misfits) < len(found):
        return None
    near = next((one for one in misfits if not one.of_type), None)
    words = " or ".join(dict.fromkeys(one.expected for one in misfits))
    return near or Misfit(words, of_type=True)


def _item_of(annotation: ast.expr) -> ast.expr | None:
    """Return the annotation of a list's items; None for anything but a list."""
    match annotation:
        case ast.Subscript(ast.Name(name), items) if name in LISTS:
            return item_of(items)
    return None


def item_of(items: ast.expr) -> ast.expr:
    """Return the annotation of each item of a list from what its brackets hold."""
    return items.elts[0] if isinstance(items, ast.Tuple) else items  # tuple[int, ...]


def is_of_arrays(annotation: ast.expr) -> bool:
    """Return whether an annotation is for calls from Python only, as YAML has no tensors."""
    name = getattr(annotation, "id", getattr(annotation, "attr", None))
    return name in ("Tensor", "ndarray")


def _of_choices(value: Any, choices: ast.expr) -> Misfit | None:
    known = [c.value for c in ast.walk(choices) if isinstance(c, ast.Constant)]
    if any(type(value) is type(one) and value == one for one in known):
        return None
    alike = any(type(value) is type(one) for one in known)
    words = ["null" if one is None else str(one) for one in known]
    return Misfit(f"one of {', '.join(words)}", of_type=not alike)


def _of_items(value: Any, items: ast.expr) -> Misfit | None:
    if not isinstance(value, list):
        return Misfit("a list", of_type=True)
    for number, one in enumerate(value):
        found = misfit(one, item_of(items))
        if found is not None:
            return Misfit(found.expected, (number, *found.path))
    return None


def _of_entries(value: Any, keys_and_values: ast.expr) -> Misfit | None:
    if not isinstance(value, Mapping):
        return Misfit("a mapping of keys", of_type=True)
    if not isinstance(keys_and_values, ast.Tuple) or len(keys_and_values.elts) != 2:
        return None
    of_key, of_value = keys_and_values.elts
    for key, one in value.items():
        found = misfit(key, of_key)
        if found is not None:
            return Misfit(f"keys that are {found.expected}")
        found = misfit(one, of_value)
        if found is not None:
            return Misfit(found.expected, (key, *found.path))
    return None


def _of_fields(value: Any, fields: Mapping[str, ast.expr]) -> Misfit | None:
    if not isinstance(value, Mapping):
        return Misfit("a mapping of keys", of_type=True)
    if value.keys() - fields.keys():
        return Misfit(f"only the keys {', '.join(fields)}")
    for name, annotation in fields.items():
        match annotation:
            case ast.Subscript(ast.Name("NotRequired"), inner):
                annotation = inner
            case _ if name not in value:
                return Misfit(f"the key {name!r} in it")
        found = misfit(value[name], annotation) if name in value else None
        if found is not None:
            return Misfit(found.expected, (name, *found.path))
    return None


def _beyond(value: Any, said: list[ast.expr]) -> Misfit | None:
    """Return the first limit that a value of the right type violates."""
    for name, arguments in marks(said):
        with suppress(TypeError, ValueError, AttributeError):  # a limit for another type
            limit = getattr(limits, name)(*arguments)
            if not limit.holds(value):
                return Misfit(limit.words)
    return None


def marks(said: Iterable[ast.AST]) -> Iterator[tuple[str, list[Any]]]:
    """Iterate over the marks of `limits` among nodes, with their arguments; others are left out."""
    for one in said:
        match one:
            case ast.Call(ast.Name(name) | ast.Attribute(_, name), arguments):
                with suppress(ValueError):  # made by a call
                    if hasattr(limits, name):
                        yield name, [ast.literal_eval(argument) for argument in arguments]
