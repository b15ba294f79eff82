"""Commands beside the workflow: ``python -m blindspots --help``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from blindspots import methods
from blindspots.config import check, laid_over, method_settings
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
    results.add_argument(
        "configs", type=Path, nargs="+", help="config of the run, and what over it"
    )
    results.add_argument("page", type=Path, help="page to write, such as docs/RESULTS.md")
    results.set_defaults(run=_results)
    compare = commands.add_parser("compare", help="which figures of two runs' tables differ")
    compare.add_argument("before", type=Path, help="folder of a run, such as results/paper")
    compare.add_argument("after", type=Path, help="of another")
    compare.set_defaults(run=_compare)
    prune = commands.add_parser(
        "prune", help="list, or remove, what lies in results/ and resources/ and no config needs"
    )
    prune.add_argument(
        "configs", nargs="+", help="all that are in use; base.yaml+over.yaml: one laid over another"
    )
    prune.add_argument("--delete", action="store_true", help="remove it")
    prune.set_defaults(run=_prune)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except InputError as error:
        sys.exit(str(error))


def _read(*paths: Path) -> dict[str, Any]:
    """The config in a file, and what others lay over it."""
    raw: Any = {}
    for path in paths:
        try:
            raw = laid_over(raw, yaml.safe_load(path.read_text("utf-8")))
        except (OSError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: expected a YAML config, found none ({reason})") from None
    schema = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text("utf-8"))
    return check(raw, schema, ", ".join(map(str, paths)))


def _calibrate(arguments: argparse.Namespace) -> None:
    import torch

    from blindspots.analyses._szegedy2013 import TABLES
    from blindspots.calibration import fit_decay_scale

    data = _read(arguments.config)["data"]
    settings = method_settings(data, "datasets")
    if data["root"] is not None:
        settings["root"] = data["root"]
    dataset = methods.find("datasets", data["method"])(**settings)
    targets = {
        float(net.removeprefix("FC10-")): error
        for (net, column), error in TABLES["table1"].items()
        if net.startswith("FC10-") and column == "train"
    }
    print("the paper's training errors:", ", ".join(f"{e}%" for e in targets.values()))

    def show(scale: float, errors: Any) -> None:
        found = ", ".join(f"{errors[decay]:.2f}%" for decay in targets)
        print(f"decay_scale {scale:8.3f}: training errors {found}", flush=True)

    images, labels = (torch.from_numpy(array) for array in dataset.train)
    scale, _ = fit_decay_scale(images, labels, dataset.classes, targets, progress=show)
    print(f"decay_scale: {scale:.3g}")


def _results(arguments: argparse.Namespace) -> None:
    from blindspots.results import page

    config = _read(*arguments.configs)
    folder = Path("results") / config["run"]
    text = page(
        f"Results of the run `{config['run']}`",
        {name: folder / f"tables/{name}.parquet" for name in config["tables"]},
        {
            f"{net['label']}, seed {seed}": folder / f"nets/{name}.s{seed}/history.parquet"
            for name, net in config["nets"].items()
            for seed in config["seeds"]
            if net["weights"] is None
        },
        f"python -m blindspots results {' '.join(map(str, arguments.configs))} {arguments.page}",
    )
    try:
        arguments.page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{arguments.page}: expected a page that can be written ({error})"
        ) from None
    print(f"wrote {arguments.page}")


def _compare(arguments: argparse.Namespace) -> None:
    from blindspots.comparison import compare, moved

    cells = compare(arguments.before, arguments.after)
    found = moved(cells)
    for cell in found.itertuples():
        before, after = (
            "none" if value != value else f"{value:.6g}" for value in (cell.before, cell.after)
        )
        percent = cell.change_percent
        change = "" if percent != percent else f" ({percent:+.3g}%)"
        print(f"{cell.table}: {cell.row}, {cell.column}: {before} → {after} {cell.unit}{change}")
    print(f"{len(found)} of {len(cells)} figures differ")


def _prune(arguments: argparse.Namespace) -> None:
    from blindspots.housekeeping import remove, unneeded

    configs = [[Path(file) for file in config.split("+")] for config in arguments.configs]
    for config in configs:
        _read(*config)
    found = unneeded(ROOT / "Snakefile", configs)
    size = sum(path.stat().st_size for path in found)
    for path in found:
        print(path)
    if arguments.delete:
        remove(found)
    done = "removed" if arguments.delete else "to remove them: --delete"
    print(f"{len(found)} files, {size / 2**20:.1f} MiB; {done}")


if __name__ == "__main__":
    main()
