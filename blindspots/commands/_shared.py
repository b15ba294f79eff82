"""What commands share: the checked config, Snakemake's command line, how this was called."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from blindspots.config import check, laid_over
from blindspots.interface import InputError

ROOT = Path(__file__).parents[2]
"""The checkout: the workflow's files lie beside the package."""


class _KeysOnce(yaml.SafeLoader):
    """Refuses a key that is there twice: of two nets of one name the first would be gone."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read(*paths: Path) -> dict[str, Any]:
    """The checked config in a file, and what others lay over it."""
    raw: Any = {}
    for path in paths:
        try:
            raw = laid_over(raw, yaml.load(path.read_text("utf-8"), _KeysOnce))
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: expected a YAML config, found none ({reason})") from None
    schema = yaml.safe_load(workflow("schemas/config.schema.yaml").read_text("utf-8"))
    return check(raw, schema, ", ".join(map(str, paths)))


def workflow(name: str) -> Path:
    """A file of the workflow, which the package alone has not."""
    path = ROOT / name
    if not path.exists():
        raise InputError(
            f"{path}: expected the workflow's files beside the package, found none; install "
            "blindspots from a checkout by `make` or `pip install --editable`"
        )
    return path


def snakemake(configs: Sequence[Path], *options: str) -> list[str]:
    """The command line of Snakemake that runs these configs in the working directory."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow("Snakefile"))]
    return [*command, "--configfile", *map(str, configs), *options]


def again(command: str, *arguments: object) -> str:
    """A command line for a person to give next, by the name that this one was called by."""
    name = sys.argv[0]
    if Path(name).name == "__main__.py":
        called = [_short(sys.executable), "-m", "blindspots"]
    else:
        called = [_short(name)]
    return shlex.join([*called, command, *map(str, arguments)])


def _short(program: str) -> str:
    """Its name alone where a shell finds it so; its path from here where that is shorter."""
    path = Path(program)
    if shutil.which(path.name) == program:
        return path.name
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else program


def report_of(config: dict[str, Any]) -> Path:
    """The page of a run, from the working directory."""
    return Path("results", config["run"], "report.html")
