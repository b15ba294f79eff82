"""Read a config: merge its files, check its structure, and write out its full form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from blindspots.config.choices import unquoted
from blindspots.config.drafts import Draft
from blindspots.config.expansion import expand
from blindspots.config.instances import single_faults
from blindspots.config.lines import Written, place_of, source_of
from blindspots.config.parts import with_parts
from blindspots.config.removals import without_removed
from blindspots.config.renamed import renamed_faults
from blindspots.config.schema import schema_faults
from blindspots.config.values import assert_bounded, numbers, value_faults
from blindspots.config.wording import key_of
from blindspots.interface import InputError


def laid_over(base: Any, over: Any) -> Any:
    """Lay one config over another, key by key, as Snakemake does with several config files."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {**base, **{key: laid_over(base.get(key), value) for key, value in over.items()}}


def with_nulls(value: Any) -> Any:
    """Return a value of Snakemake's --config with None for null, which Snakemake leaves as text."""
    if isinstance(value, Mapping):
        return {key: with_nulls(inside) for key, inside in value.items()}
    return None if value == "null" else value


def full_form(
    raw: Any,
    schema: Mapping[str, Any],
    where: str = "config",
    files: Written | None = None,
    run: str | None = None,
) -> Draft:
    """Write out a config, see `expansion.expand`. The parameters are those of `check.check`.

    Raises:
        InputError: invalid config, with a line for each fault that shows without the full form.
    """
    try:
        assert_bounded(raw)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    files = files or Written()
    if files.twice:
        raise InputError("\n".join(files.twice))
    if isinstance(raw, Mapping) and raw.get("run") is None and run is not None:
        raw = {"run": run} | {key: value for key, value in raw.items() if key != "run"}
    short, removed = without_removed(raw, schema)
    config = numbers(short)
    schema = with_parts(schema, config)
    faults = [*unquoted(raw.get("choices"), ("choices",))] if isinstance(raw, Mapping) else []
    faults = faults or [*value_faults(config)] or [*renamed_faults(config)]
    faults = faults or [*schema_faults(config, schema)] or [*single_faults(config)]
    found = Draft(config, faults=faults)
    if not found.faults:
        found = expand(short, {path: key_of(path) in files.cleared for path in removed})
        if not found.faults:  # each value of a list in place of one, as if it were written alone
            found.faults = [*schema_faults(numbers(found.config), schema)]
        if "run" not in found.config:
            found.faults.append("top level: expected the key 'run', found none; add it")
    try:
        assert_bounded(found.config)
    except InputError as error:
        raise InputError(f"{where}: {error}, once every list is several entries") from None
    raise_faults(found.faults, where, files, found)
    return found


def raise_faults(faults: Iterable[str], where: str, files: Written, full: Draft) -> None:
    """Raise an InputError if there are faults, with a line for each and its place in the files."""
    said = [placed(fault, where, files, full) for fault in faults]
    if said:
        raise InputError("\n".join(dict.fromkeys(said)))


def placed(fault: str, where: str, files: Written, full: Draft) -> str:
    """Return a line "KEY: fault" with the key's file and line in front.

    Args:
        fault: the line.
        where: place of a key that is in no file, for the message.
        files: lines of the keys.
        full: the config's full form.
    """
    made, _, what = fault.partition(": ")
    key = source_of(made, full.made)
    place = place_of(source_of(source_of(key, full.asked), full.made), files.lines | full.lines)
    return f"{place or where}: {key}: {what}"
