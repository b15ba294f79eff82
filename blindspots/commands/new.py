"""Write a short, commented config to start from.

It runs as it is: two networks are trained and attacked, each is shown the other's attacked images,
and bounds and a report are made. Everything that a config leaves out has a default.

Examples:
  blindspots new my.yaml                                    handwritten digits, no download
  blindspots new my.yaml --dataset mnist
  blindspots new my.yaml --dataset folder --root pictures   pictures/CLASS/IMAGE
  blindspots new my.yaml --dataset my_lab.data:function     a dataset of your own
  blindspots new my.yaml --preset paper                     a copy of config.yaml

Next: blindspots run my.yaml --dry-run
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import yaml

from blindspots.commands import _shared
from blindspots.config import methods
from blindspots.config.checkout import workflow
from blindspots.config.defaults import method_of
from blindspots.config.schema import schema, schema_faults
from blindspots.interface import InputError
from blindspots.own_code import CHECKOUT

START = "start"
"""The default preset, in which `--dataset` and `--root` replace the dataset."""

OF_OTHERS = "# judged by the paper's own runs only; a list of your own claims can be here"
"""Comment on a paper's file of claims, in a copy of its config under another name."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    known = ", ".join(methods.names("datasets"))
    parser.add_argument("config", type=Path, metavar="my.yaml", help="file to write")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--dataset", metavar="NAME", help=f"{known}, or module:function")
    begin.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(_presets())}")
    parser.add_argument("--root", metavar="PATH", help="folder of the dataset's files")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def run(arguments: argparse.Namespace) -> None:
    """Write the config, and print the next command."""
    path = arguments.config
    name = _name(path)
    if path.exists() and not arguments.force:
        raise InputError(f"{path}: expected no such file, found one; --force writes over it")
    preset = arguments.preset or START
    presets = _presets()
    if preset not in presets:
        hint = methods.did_you_mean(preset, presets)
        raise InputError(f"--preset: expected one of {', '.join(presets)}, found {preset!r}{hint}")
    text = workflow(presets[preset]).read_text("utf-8")
    copied = yaml.safe_load(text)
    if "run" in copied:
        was = re.escape(copied["run"])
        quoted = name if yaml.safe_load(name) == name else f'"{name}"'  # 2024 would be a number
        text = re.sub(rf"^run: {was}(?![\w-])", f"run: {quoted}", text, flags=re.M)
        text = re.sub(rf"(?<=results/){was}(?![\w-])", name, text)
        if name != copied["run"]:
            text = re.sub(r"^(claims: [^\s#]+).*$", rf"# \1  {OF_OTHERS}", text, flags=re.M)
    if arguments.dataset or arguments.root:
        given = {"method": arguments.dataset} if arguments.dataset else method_of(copied["data"])
        block = _data(given, arguments.root)
        text = re.sub(r"^data:.*\n(?:[ #].*\n)*", lambda _: block, text, flags=re.M)
    keys = workflow("schemas/config.schema.yaml")
    made = (
        f"# Made by `blindspots new` from {presets[preset]}. All keys a config can have: {keys}\n"
    )
    try:
        path.write_text(made + text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written ({error})") from None
    print(f"Wrote {path}. What it would do: {_shared.again('run', path, '--dry-run')}")


def _presets() -> dict[str, str]:
    """Return the complete configs by name, without overlays and the data of papers."""
    found = {"paper": "config.yaml"}
    for folder in ("presets", "papers/*"):
        for path in sorted(CHECKOUT.glob(f"{folder}/*.yaml")):
            text = path.read_text("utf-8")
            if re.search("^nets:", text, re.M) and re.search("^data:", text, re.M):
                file = path.relative_to(CHECKOUT).as_posix()
                found[file.removeprefix("presets/").removeprefix("papers/")[: -len(".yaml")]] = file
    return found


def _name(path: Path) -> str:
    """Return the name of the run, which is that of the file."""
    of_names = schema("config")["$defs"]["name"] | {
        "title": "name of the file and of the run's folder"
    }
    for fault in schema_faults(path.stem, of_names):
        raise InputError(f"{path}: {fault.removeprefix('top level: ')}; choose another")
    return path.stem


def _data(given: dict[str, Any], root: str | None) -> str:
    """Return the section `data` with these settings, and those that have defaults as comments."""
    dataset = given["method"]
    try:
        known, required = methods.settings("datasets", dataset) or (frozenset(), frozenset())
        defaults = methods.defaults("datasets", dataset)
    except InputError as error:
        raise InputError(f"--dataset: {error}") from None
    if root is not None and known and "root" not in known:
        raise InputError(f"--root: expected none for {dataset}, found {root!r}; leave it out")
    lines = ["data:", f"  method: {json.dumps(dataset) if ':' in dataset else dataset}"]
    if root is not None or "root" in known:
        shown = json.dumps(root, ensure_ascii=False)
        lines.append(f"  root: {shown}{'' if root else '  # where its files are'}")
    own = {name: value for name, value in given.items() if name not in ("method", "root")}
    lines += [f"  {name}: {json.dumps(value)}" for name, value in own.items()]
    said = {"root", *own}
    lines += [f"  {name}: null  # to be set" for name in sorted(required - said)]
    lines += [
        f"  # {name}: {json.dumps(value)}" for name, value in defaults.items() if name not in said
    ]
    return "\n".join(lines) + "\n"
