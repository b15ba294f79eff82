"""Fit one setting of the trainers of some nets to given training errors.

Example:
  blindspots calibrate config.yaml decay_factor FC10-1e-4=6.7 FC10-1e-2=10 FC10-1=21.2
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blindspots.commands import _shared
from blindspots.config import methods
from blindspots.config.check import method_settings
from blindspots.config.datasets import is_derived
from blindspots.interface import UNBOUNDED, InputError

if TYPE_CHECKING:
    from torch import Tensor

    from blindspots.jobs.calibration import Trained

Config = dict[str, Any]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="config with the dataset and the nets")
    parser.add_argument("setting", help="setting of the nets' trainers, a positive number")
    parser.add_argument(
        "errors", nargs="+", metavar="NET=ERROR", type=_wanted, help="a net's error in percent"
    )


def run(arguments: argparse.Namespace) -> None:
    """Print the fitted value, and first the errors with each value that was tried."""
    from blindspots.jobs.calibration import fit

    config, wanted, setting = (
        _shared.read(arguments.config),
        dict(arguments.errors),
        arguments.setting,
    )
    _assert_trained_alike(config, wanted, setting)
    first = config["nets"][next(iter(wanted))]
    parts = _Parts(config, first["data"])
    nets = {name: _net(name, error, config, parts) for name, error in wanted.items()}
    print("wanted training errors:", ", ".join(f"{error:g}%" for error in wanted.values()))

    def show(value: float, errors: Any) -> None:
        found = ", ".join(f"{errors[name]:.2f}%" for name in wanted)
        print(f"{setting} {value:8.3f}: training errors {found}", flush=True)

    value, _ = fit(setting, nets, *parts.read(first["train_on"]), progress=show)
    print(f"{setting}: {value:.3g}")


def _wanted(text: str) -> tuple[str, float]:
    name, _, error = text.rpartition("=")
    try:
        if name and 0 < float(error) < 100:
            return name, float(error)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected NET=ERROR, an error in percent, found {text!r}")


def _assert_trained_alike(config: Config, names: Collection[str], setting: str) -> None:
    """Reject nets that cannot be trained here, or not on the same images."""
    for name in names:
        net = config["nets"].get(name)
        if net is None:
            known = ", ".join(config["nets"])
            raise InputError(f"expected a net of the config ({known}), found {name!r}")
        if net["trainer"] is None or net["parents"] or net["attacked"]:
            raise InputError(
                f"{name}: expected a net that is trained without parents or attacked images, found "
                "another; name other nets"
            )
        if not methods.takes("trainers", net["trainer"]["method"], setting):
            raise InputError(
                f"{name}: expected a trainer with the setting {setting!r}, found "
                f"{net['trainer']['method']}"
            )
    shown = {(config["nets"][name]["data"], config["nets"][name]["train_on"]) for name in names}
    if len(shown) > 1 or any(is_derived(config["datasets"][data]) for data, _ in shown):
        found = ", ".join(f"{part} of {data}" for data, part in sorted(shown))
        raise InputError(
            "expected nets that are trained on one part of one dataset, which is not made from "
            f"another, found nets on {found}; name others"
        )


class _Parts:
    """A dataset, and the parts that the config's splits cut it into."""

    def __init__(self, config: Config, name: str) -> None:
        import pyarrow as pa

        from blindspots.datasets import table
        from blindspots.files import splits

        data = config["datasets"][name]
        settings = method_settings(data, "datasets")
        if data["root"] is not None:
            settings["root"] = data["root"]
        load = methods.find("datasets", data["method"])
        self.dataset = table.checked(load(**settings), data["method"])
        listed = (
            pa.table({"label": part.labels, "sha256": splits.fingerprints(part.images)})
            for part in (self.dataset.train, self.dataset.test)
        )
        self.index, _ = splits.split(*listed, **config["splits"], seed=config["seeds"][0])

    def read(self, part: str) -> tuple[Tensor, Tensor]:
        """Return the images and labels of a part of the training set, in the split's order."""
        import torch

        from blindspots.files import splits

        rows = splits.rows_of(self.index, part)["index"].to_numpy()
        images, labels = (torch.from_numpy(array[rows]) for array in self.dataset.train)
        return images, labels


def _net(name: str, error: float, config: Config, parts: _Parts) -> Trained:
    """Return a net of the config, not yet trained."""
    from blindspots.files import weights
    from blindspots.files.images import box_on
    from blindspots.jobs.calibration import Trained
    from blindspots.jobs.train import wants_validation

    model, trainer = config["nets"][name]["model"], config["nets"][name]["trainer"]
    dataset, seed = parts.dataset, config["seeds"][0]
    made, _ = weights.create(
        model["method"],
        method_settings(model, "models"),
        dataset.train.images.shape[1:],
        dataset.classes,
        seed=seed,
    )
    train, given = methods.find("trainers", trainer["method"]), method_settings(trainer, "trainers")
    offered = methods.accepted(
        train, seed=seed, classes=dataset.classes, box=box_on(dataset.box or UNBOUNDED, "cpu")
    )
    if wants_validation(train, given):
        offered["validation"] = parts.read("validation")
    return Trained(made, train, offered | given, error)
