"""A function's parameters, read from its module's source without importing it."""

from __future__ import annotations

import ast
import copy
import re
from contextlib import suppress
from functools import cache

from blindspots.config.sources import binding, bound_by, origin_of, source, statements, syntax_tree
from blindspots.interface import InputError

DECLARATIONS = {"budget", "certificate", "control", "looped", "measurement", "minimal", "needs"}
"""Decorators that declare the kind of a method; only `looped` changes its parameters.

See `families`, `trainers.loop`, and `contract` in measurements, certificates and analyses."""

LOOP = ("blindspots.trainers.loop", "train")
"""The function whose settings `looped` adds to those of a trainer."""

HARMLESS = DECLARATIONS | {
    "across", "beartype", "cache", "deprecated", "enable_grad", "inference_mode", "jaxtyped",
    "lru_cache", "no_grad", "overload", "override", "wraps",
}  # fmt: skip
"""Decorators that leave a function's parameters as they are."""

DYNAMIC = {"exec", "globals", "setattr", "vars"}
"""Functions by which a module may define names that its source does not show."""

MEANING = re.compile(r"^    (\w+): (.+(?:\n {8,}.+)*)", re.M)
"""A parameter in a docstring's Args, and its meaning."""

Seen = frozenset[tuple[str, str]]
"""Modules and functions that were followed already, as imports may form cycles."""


@cache
def parameters(module: str, function: str, seen: Seen = frozenset()) -> ast.arguments | None:
    """Return the parameters of a function, even if its module imports it from another.

    Args:
        module: dotted name of the module.
        function: name of a function that the module defines, imports, or makes from another one.
        seen: modules and functions that were followed to this one.

    Returns:
        The parameters; None if the source does not show them: a class, a function made by a call,
        a compiled module.

    Raises:
        InputError: no such function, or an async one.
    """
    path, seen = source(module), seen | {(module, function)}
    if path is None:
        return None
    tree = syntax_tree(path)
    found = [node for node in statements(tree.body) if function in bound_by(node)]
    if len(found) > 1 and any(node not in tree.body for node in found):
        return None  # a condition decides which of them is bound
    if found:
        return _of(found[-1], module, function, seen)
    for star in (node for node in statements(tree.body) if "*" in bound_by(node)):
        origin = origin_of(star, module)
        with suppress(InputError):  # not defined there
            if (origin, function) not in seen:
                return parameters(origin, function, seen)
    if any("__getattr__" in bound_by(node) for node in tree.body) or any(
        _may_bind(node, function) for node in ast.walk(tree)
    ):
        return None
    raise InputError(
        f"expected a function {function!r} in {module}, found none; check the spelling"
    )


def _may_bind(node: ast.AST, name: str) -> bool:
    """Return whether a node binds a name in a way that is not followed, or may bind any name."""
    match node:
        case ast.Global(names):
            return name in names
        case ast.Name(found, ast.Store()):
            return found == name
        case ast.Name(found):
            return found in DYNAMIC
    return False


def _of(node: ast.stmt, module: str, function: str, seen: Seen) -> ast.arguments | None:
    """Return the parameters of the function that a statement binds a name to."""
    match node:
        case ast.FunctionDef(_, arguments, _, decorators):
            _explain(node, module)
            known = all(_name(decorator) in HARMLESS for decorator in decorators)
            declaring = _declaring(arguments if known else _open(arguments), decorators)
            return _looped(declaring) if "looped" in declarations(declaring) else declaring
        case ast.AsyncFunctionDef():
            raise InputError(
                f"expected a function {function!r} in {module} that returns its result, found an "
                "async one; define it without async"
            )
        case ast.ImportFrom(_, names):
            name = next(alias.name for alias in names if function in (alias.asname, alias.name))
            return _elsewhere(origin_of(node, module), name, seen)
        case ast.Assign([ast.Name()], value) | ast.AnnAssign(_, _, value):
            return _assigned(value, module, seen)
    return None


def _explain(function: ast.FunctionDef, module: str) -> None:
    """Attach the meanings in a docstring's Args to the parameters, and resolve aliases.

    `meaning` is the whole text, `type_comment` its first clause, for messages.
    """
    said = dict(MEANING.findall(ast.get_docstring(function) or ""))
    taken = function.args
    for parameter in [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]:
        meaning = " ".join(said.get(parameter.arg, "").split())
        parameter.meaning = meaning  # type: ignore[attr-defined]
        parameter.type_comment = re.split(r"[;:.](?=\s|$)", meaning)[0] or None
        if parameter.annotation is not None:
            parameter.annotation = _Resolved(module).visit(parameter.annotation)


class _Resolved(ast.NodeTransformer):
    """Transformer that replaces the names in an annotation by their values in a module."""

    def __init__(self, module: str, seen: Seen = frozenset()) -> None:
        self.module, self.seen = module, seen

    def visit_Name(self, node: ast.Name) -> ast.expr:
        path, here = source(self.module), (self.module, node.id)
        if path is None or here in self.seen:
            return node
        for bound in binding(path, node.id):
            seen = self.seen | {here}
            match bound:
                case ast.ClassDef(bases=[ast.Name("TypedDict")], body=body):
                    fields = [
                        ast.keyword(
                            field.target.id,
                            _Resolved(self.module, seen).visit(copy.deepcopy(field.annotation)),
                        )
                        for field in body
                        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
                    ]
                    return ast.Call(ast.Name("TypedDict"), [], fields)
                case ast.Assign([ast.Name()], value) | ast.AnnAssign(_, _, ast.expr() as value):
                    return _Resolved(self.module, seen).visit(copy.deepcopy(value))
                case ast.ImportFrom(_, names):
                    name = next(a.name for a in names if node.id in (a.asname, a.name))
                    origin = origin_of(bound, self.module)
                    if origin != "typing" and not origin.startswith(("collections", "torch")):
                        resolved = _Resolved(origin, seen).visit(ast.Name(name))
                        return node if isinstance(resolved, ast.Name) else resolved
        return node


def _elsewhere(module: str, function: str, seen: Seen) -> ast.arguments | None:
    """Return `parameters` of a function; None also if the module has no such function."""
    with suppress(InputError):
        return None if (module, function) in seen else parameters(module, function, seen)
    return None


def _assigned(value: ast.expr | None, module: str, seen: Seen) -> ast.arguments | None:
    match value:
        case ast.Lambda(arguments):
            return arguments
        case ast.Name(name):
            return _elsewhere(module, name, seen)
        case ast.Call(called, [ast.Name(name), *places], keywords) if _name(called) == "partial":
            made_of = _elsewhere(module, name, seen)
            return made_of and _partial(made_of, len(places), keywords)
    return None


def _partial(
    arguments: ast.arguments, places: int, keywords: list[ast.keyword]
) -> ast.arguments | None:
    """Return the parameters left to a partial function; those given by name can be overridden."""
    given = {keyword.arg: keyword.value for keyword in keywords}
    ordered = [*arguments.posonlyargs, *arguments.args]
    defaults = dict(zip(reversed(ordered), reversed(arguments.defaults), strict=False))
    left = ordered[places:]
    named = [a for a in left if a.arg in given]
    only = dict(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    only |= dict.fromkeys(named)
    left = [a for a in left if a not in named]
    partial = ast.arguments(
        posonlyargs=[],
        args=left,
        vararg=arguments.vararg,
        kwonlyargs=list(only),
        kw_defaults=[given.get(a.arg, default) for a, default in only.items()],
        kwarg=arguments.kwarg,
        defaults=[defaults[a] for a in left if a in defaults],
    )
    partial.declared = declarations(arguments)  # type: ignore[attr-defined]
    return partial


def _declaring(arguments: ast.arguments, decorators: list[ast.expr]) -> ast.arguments:
    """Attach the declarations among a function's decorators to its parameters, as `declared`."""
    arguments.declared = {  # type: ignore[attr-defined]
        _name(d): d if isinstance(d, ast.Call) else ast.Call(d, [], [])
        for d in decorators
        if _name(d) in DECLARATIONS
    }
    return arguments


def declarations(arguments: ast.arguments) -> dict[str, ast.Call]:
    """Return a function's declaring decorators by name, as calls even without arguments."""
    return getattr(arguments, "declared", {})


def _looped(arguments: ast.arguments) -> ast.arguments:
    """Return a trainer's parameters, with the settings of the loop that it lacks added."""
    ours = parameters(*LOOP)
    own = {a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
    added = [] if ours is None else list(zip(ours.kwonlyargs, ours.kw_defaults, strict=True))
    added = [(a, default) for a, default in added if a.arg not in own]
    some = {name: getattr(arguments, name) for name in arguments._fields} | {
        "kwonlyargs": [*arguments.kwonlyargs, *(argument for argument, _ in added)],
        "kw_defaults": [*arguments.kw_defaults, *(default for _, default in added)],
    }
    whole = ast.arguments(**some)
    whole.declared = declarations(arguments)  # type: ignore[attr-defined]
    whole.added = {argument.arg for argument, _ in added}  # type: ignore[attr-defined]
    return whole


def added(arguments: ast.arguments) -> set[str]:
    """Return the parameters that the loop adds to a trainer's own."""
    return getattr(arguments, "added", set())


def _open(arguments: ast.arguments) -> ast.arguments:
    """Return parameters that accept any others, as an unknown decorator may change them."""
    some = {name: getattr(arguments, name) for name in arguments._fields}
    return ast.arguments(**some | {"vararg": ast.arg("given"), "kwarg": ast.arg("settings")})


def _name(called: ast.expr) -> str:
    """Return the name of a decorator or of a called function, without its module."""
    while isinstance(called, ast.Call):
        called = called.func
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
