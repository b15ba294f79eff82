"""Commands beside the workflow: ``python -m blindspots --help``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from blindspots import methods
from blindspots.config import check
from blindspots.interface import InputError

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Parse the command line and run a command; bad input ends it with one line."""
    parser = argparse.ArgumentParser(prog="python -m blindspots", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    calibrate = commands.add_parser(
        "calibrate", help="fit decay_scale to the FC10 training errors of the paper's Table 1"
    )
    calibrate.add_argument("config", type=Path, help="config whose dataset is trained on")
    calibrate.set_defaults(run=_calibrate)
    results = commands.add_parser("results", help="write a run's tables into a Markdown page")
    results.add_argument("config", type=Path, help="config of the run")
    results.add_argument("page", type=Path, help="page to write, such as docs/RESULTS.md")
    results.set_defaults(run=_results)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except InputError as error:
        sys.exit(str(error))


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: expected a YAML config, found none ({error})") from None
    schema = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text("utf-8"))
    return check(raw, schema, str(path))


def _calibrate(arguments: argparse.Namespace) -> None:
    import torch

    from blindspots.analyses._summary import paper_figures
    from blindspots.calibration import fit_decay_scale

    data = _read(arguments.config)["data"]
    root = {} if data["root"] is None else {"root": data["root"]}
    dataset = methods.find("datasets", data["method"])(**root)
    printed = paper_figures("table1")
    targets = {float(net[5:]): printed[net, "train"] for net, column in printed
               if net.startswith("FC10-") and column == "train"}  # fmt: skip

    def show(scale: float, errors: Any) -> None:
        found = ", ".join(f"{errors[decay]:.2f}%" for decay in targets)
        print(f"decay_scale {scale:8.3f}: training errors {found}", flush=True)

    print("the paper's training errors:", ", ".join(f"{e}%" for e in targets.values()))
    images, labels = (torch.from_numpy(array) for array in dataset.train)
    scale, _ = fit_decay_scale(images, labels, dataset.classes, targets, progress=show)
    print(f"decay_scale: {scale:.3g}")


def _results(arguments: argparse.Namespace) -> None:
    from blindspots.results import page

    config = _read(arguments.config)
    command = f"python -m blindspots results {arguments.config} {arguments.page}"
    text = page(Path("results") / config["run"], config, command)
    arguments.page.write_text(text, encoding="utf-8")
    print(f"wrote {arguments.page}")


if __name__ == "__main__":
    main()
