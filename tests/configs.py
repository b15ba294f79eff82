"""The project's configs for tests, as written and in full form."""

import copy
from pathlib import Path

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.claims import claims_in
from blindspots.config.reading import full_form, laid_over
from blindspots.interface import InputError

ROOT = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text("utf-8"))
PAPERS = sorted((ROOT / "papers").glob("*/claims.yaml"))
RUNS = [
    ["config.yaml"],
    *([f"presets/{path.name}"] for path in sorted((ROOT / "presets").glob("*.yaml"))),
    *(files for paper in PAPERS for files in claims_in(paper)["runs"].values()),
]
"""The config's files of each run of the project."""


def short(*paths):
    """Return a config as a user writes it, with others laid over it."""
    raw = {}
    for path in paths:
        raw = laid_over(raw, yaml.safe_load((ROOT / path).read_text("utf-8")))
    return raw


def full(*paths):
    """Return the full form of a config, with others laid over it."""
    return copy.deepcopy(full_form(short(*paths), SCHEMA, run=Path(paths[0]).stem).config)


def faults(raw):
    """Return the lines for the faults of a config, without `config: ` in front."""
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    return [line.removeprefix("config: ") for line in str(error.value).splitlines()]


def fault(raw, *path, value):
    """Return the message for a config with one value changed."""
    changed = copy.deepcopy(raw)
    *parents, last = path
    section = changed
    for key in parents:
        section = section[key]
    section[last] = value
    with pytest.raises(InputError) as error:
        check(changed, SCHEMA, "my.yaml")
    return str(error.value)
