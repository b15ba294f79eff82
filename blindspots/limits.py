"""Limits of settings, for the annotations of a method: ``steps: Annotated[int, at_least(1)]``.

A config is checked against them before anything runs. They are read from the method's source
without importing it, so their arguments must be plain values. Some say what a setting is for:
`own_weights`, `mirror`, `one_of_its`, `of_pixels`; `up_to`, `instead_of`, `only_with` and
`of_model` depend on other keys.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple


class Limit(NamedTuple):
    """Constraint on a value.

    Attributes:
        words: description of the allowed values, which follows "expected" in a message.
        holds: returns whether a value is allowed.
    """

    words: str
    holds: Callable[[Any], bool]


def at_least(limit: float) -> Limit:
    """Numbers from `limit` up."""
    return Limit(f"at least {limit:.15g}", lambda value: value >= limit)


def above(limit: float) -> Limit:
    """Numbers larger than `limit`."""
    return Limit(f"more than {limit:.15g}", lambda value: value > limit)


def at_most(limit: float, why: str = "") -> Limit:
    """Numbers up to `limit`; `why` follows it in a message."""
    return Limit(f"at most {limit:.15g}{why and f', {why}'}", lambda value: value <= limit)


def below(limit: float) -> Limit:
    """Numbers smaller than `limit`."""
    return Limit(f"less than {limit:.15g}", lambda value: value < limit)


def up_to(key: str, less: int = 0) -> Limit:
    """Numbers up to the value of a sibling key in the config, minus `less`."""
    return Limit(f"at most {key}", lambda value: True)


def some() -> Limit:
    """Lists and mappings that are not empty."""
    return Limit("at least 1 entry", lambda values: len(values) > 0)


def distinct(*key: str) -> Limit:
    """Lists without the same entry twice, or of mappings without the same value of a key."""
    if key:
        return Limit(
            f"no {key[0]} twice", lambda values: len({v[key[0]] for v in values}) == len(values)
        )
    return Limit("no entry twice", lambda values: len({*values}) == len(values))


def over_epochs(limit: float = math.inf) -> Limit:
    """Lists of [epoch, value]: rising epochs from 0, values of at least 0 and less than `limit`."""

    def holds(pairs: Sequence[Sequence[float]]) -> bool:
        if any(len(pair) != 2 for pair in pairs):
            return False
        epochs = [epoch for epoch, _ in pairs]
        rising = epochs[:1] == [0] and epochs == sorted({*epochs})
        return rising and all(0 <= value < limit for _, value in pairs)

    said = "pairs [epoch, value] of rising epochs from 0 and values of at least 0"
    return Limit(said + f" and less than {limit:.15g}" * (limit < math.inf), holds)


def moving() -> Limit:
    """Pairs [epoch, value] that are not 0 at all epochs."""
    return Limit("a value above 0 at some epoch", lambda pairs: any(v > 0 for _, v in pairs))


def either(*keys: str) -> Limit:
    """Mappings with exactly one of some keys."""
    return Limit(f"either {' or '.join(keys)}", lambda value: len(value.keys() & {*keys}) == 1)


def one_of_its(what: str | dict[str, str], by: str = "") -> Limit:
    """Names that occur in the experiments of a table or a figure.

    In a mapping with a key `experiment` they must occur in that experiment.

    Args:
        what: "experiments"; or a key of an experiment, "sources", "victims", "controls" or
            "amplify"; "nets" (sources and victims); "patterns" (nets, or patterns such as "*-P1");
            "parts", the parts of the split; "printed", the config's tables of printed figures;
            "printed rows", ROW or TABLE/ROW of these, or a pattern for them; or a mapping from
            values of the sibling key `by` to one of these. With another value of that key the
            setting must be absent. Patterns for experiments may stand in place of names.
        by: name of the sibling key; "" if `what` is not a mapping.
    """
    return Limit("a name", lambda value: True)


def of_pixels() -> Limit:
    """Lengths per pixel, in the units of the box that the images are in."""
    return Limit("a length", lambda value: True)


def instead_of(key: str) -> Limit:
    """A value that leaves another setting without effect; both together are refused."""
    return Limit(f"a value instead of {key}", lambda value: True)


def only_with(key: str, needed: str) -> Limit:
    """A value that has an effect only with one value of another setting, and is refused without."""
    return Limit(f"a value beside {key}: {needed}", lambda value: True)


def of_model(key: str) -> Limit:
    """A trainer's setting about what the model has unless its setting `key` is false."""
    return Limit(f"false for models with {key}: false", lambda value: True)


def own_weights() -> Limit:
    """A file with the weights of the model whose setting it is, which needs no other weights."""
    return Limit("a file", lambda value: True)


def mirror(*unchecked: str) -> Limit:
    """A folder with a copy of a published dataset, which is the same wherever the folder is.

    Args:
        unchecked: a folder in it, such as "KMNIST/raw", whose files the method does not verify by
            checksums; jobs depend on their content instead.
    """
    return Limit("a folder", lambda value: True)


Count = Annotated[int, at_least(1)]
Natural = Annotated[int, at_least(0)]
Positive = Annotated[float, above(0)]
NonNegative = Annotated[float, at_least(0)]
OwnWeights = Annotated[str, own_weights()]
Share = Annotated[float, above(0), below(1)]
Pairs = Annotated[Sequence[Sequence[float]], over_epochs()]
"""A setting of a trainer by epochs, as [[0, 0.01], [20, 0.1]].

Values between two epochs are interpolated linearly; after the last epoch the value stays
(`trainers.recipe.Step.value`).
"""
