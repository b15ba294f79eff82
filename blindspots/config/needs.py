"""Needs of analyses in the measurements that they read, and of trainers in their net's model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blindspots.config import methods, traits
from blindspots.config.declarations import _arguments
from blindspots.config.wording import shown
from blindspots.interface import InputError

Config = Mapping[str, Any]


def need_faults(config: Config) -> Iterator[str]:
    """Yield a line for each setting of a measurement that is too small for a table that reads it.

    Args:
        config: config without other faults.
    """
    needed: dict[tuple[str, str], tuple[float, str, str]] = {}
    for key, table in config["tables"].items():
        if (name := table["measurement"]) is None:
            continue
        try:
            least, remedy = least_of(table, config["measurements"][name])
        except InputError as error:
            yield f"tables.{key}.method: {error}"
            continue
        for setting, value in least.items():
            asked = value, key, remedy
            needed[name, setting] = max(asked, needed.get((name, setting), asked))
    for (name, setting), (value, key, remedy) in needed.items():
        given = _settings("measurements", config["measurements"][name])[setting]
        if given < value:
            yield (
                f"measurements.{name}.{setting}: expected at least {value:g} for tables.{key}, "
                f"found {shown(given)}; {remedy}"
            )


def trainer_faults(config: Config) -> Iterator[str]:
    """Yield a line for each setting of a trainer about something that its net's model has not.

    Args:
        config: config without other faults.
    """
    for name, net in config["nets"].items():
        trainer = net["trainer"]
        if trainer is None or net["checkpoint"] is not None:
            continue
        model = _settings("models", net["model"])
        for setting, (key,) in traits.marked("trainers", trainer["method"], "of_model").items():
            if trainer.get(setting) and model.get(key) is False:
                yield (
                    f"nets.{name}.trainer.{setting}: expected a model with {key}: true, found "
                    f"{key}: false; leave {setting} or {key} out"
                )


def least_of(table: Config, measured: Config) -> tuple[dict[str, float], str]:
    """Return the least values that a table's analysis declares by `analyses.contract.needs`.

    Args:
        table: section of the table in the config.
        measured: section of the measurement.

    Returns:
        Least values by setting, without settings that the measurement lacks; and the remedy.

    Raises:
        InputError: the declaration gives no number.
    """
    method = table["method"]
    found = traits.decorator("analyses", method, "needs")
    if found is None:
        return {}, ""
    known = ["remedy", *(str(each.arg) for each in found.keywords)]
    given = _arguments(found, known, method, by_place=1)
    own, settings = _settings("measurements", measured), _settings("analyses", table)
    remedy, least = given.pop("remedy"), {}
    for name in given.keys() & own.keys():
        try:
            least[name] = float(given[name](own, settings))
        except Exception as error:
            raise InputError(
                f"{method}: {name}: expected a lambda of the settings of a measurement and of a "
                f"table that gives a number, found one that raises {type(error).__name__}: "
                f"{error}; correct it"
            ) from None
    return least, remedy


def _settings(role: str, section: Config) -> dict[str, Any]:
    return methods.defaults(role, section["method"]) | dict(section)
