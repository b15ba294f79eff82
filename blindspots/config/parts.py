"""Parts of the split that a config can name: those that every split has, and slices of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blindspots.config.schema import schema
from blindspots.config.wording import shown

Config = dict[str, Any]


def parts_of(config: Any) -> list[str]:
    """Return all parts that a config can name."""
    return [*_of_every_split(), *_own(config)]


def _of_every_split() -> list[str]:
    return list(schema("config")["$defs"]["part"]["enum"])


def _own(config: Any) -> list[str]:
    """Return the parts of `splits: parts`, valid or not."""
    splits = config.get("splits") if isinstance(config, Mapping) else None
    parts = splits.get("parts") if isinstance(splits, Mapping) else None
    return [str(name) for name in parts] if isinstance(parts, Mapping) else []


def with_parts(plain: Mapping[str, Any], config: Any) -> Mapping[str, Any]:
    """Return a config's schema in which its own parts may stand wherever a part is named."""
    definitions = plain["$defs"]
    part = definitions["part"] | {"enum": [*definitions["part"]["enum"], *_own(config)]}
    return {**plain, "$defs": definitions | {"part": part}}


def part_faults(config: Config) -> Iterator[str]:
    """Yield a line for each fault in the parts that a config names or uses.

    `splits` gives the sizes of validation, P1 and P2; of a share's images only a run can tell.
    """
    known = _of_every_split()
    for name, (begin, end) in config["splits"].get("parts", {}).items():
        key = f"splits.parts.{name}"
        if name in known:
            yield (
                f"{key}: expected a name other than those of every split's parts "
                f"({', '.join(known)}), found {name}; rename it"
            )
        if begin >= end:
            yield (
                f"{key}: expected two shares of the training images, the second larger, found "
                f"{shown([begin, end])}, a slice without images; widen it"
            )
    for key, part in _used(config):
        if part in ("validation", "P1", "P2") and config["splits"][part.lower()] == 0:
            yield (
                f"{key}: expected a part with images, found {part} without any; enlarge it under "
                "splits, or name another"
            )
        elif part == "test" and key.endswith(".train_on"):
            yield (
                f"{key}: expected a part other than test, on whose images errors are measured, "
                "found test; name train, P1 or P2"
            )


def _used(config: Config) -> Iterator[tuple[str, str | None]]:
    """Iterate over the keys that name a part, and their parts."""
    nets = {f"nets.{name}": net for name, net in config["nets"].items() if not net["checkpoint"]}
    yield from ((f"{key}.train_on", net["train_on"]) for key, net in nets.items())
    yield from (
        (f"{key}.expect.part", net["expect"]["part"]) for key, net in nets.items() if net["expect"]
    )
    for section in ("experiments", "measurements"):
        for name, entry in config[section].items():
            yield f"{section}.{name}.part", entry.get("part")
