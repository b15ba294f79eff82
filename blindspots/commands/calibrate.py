"""Fit one setting of the trainers of some nets to given training errors.

Example:
  blindspots calibrate config.yaml decay_scale FC10-1e-4=6.7 FC10-1e-2=10 FC10-1=21.2
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blindspots.commands import _shared
from blindspots.interface import InputError

if TYPE_CHECKING:
    from blindspots.jobs.calibration import Trained


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, help="config with the dataset and the nets")
    parser.add_argument("setting", help="setting of the nets' trainers, a positive number")
    parser.add_argument(
        "errors", nargs="+", metavar="NET=ERROR", type=_wanted, help="a net's error in percent"
    )


def run(arguments: argparse.Namespace) -> None:
    """Print the fitted value, and first the errors with each value that was tried."""
    import torch

    from blindspots.config import methods
    from blindspots.config.check import method_settings
    from blindspots.config.datasets import is_derived
    from blindspots.jobs.calibration import fit

    config, wanted, setting = (
        _shared.read(arguments.config),
        dict(arguments.errors),
        arguments.setting,
    )
    shown = {config["nets"][name]["data"] for name in wanted if name in config["nets"]}
    if len(shown) > 1 or any(is_derived(config["datasets"][name]) for name in shown):
        raise InputError(
            "expected nets on one dataset that is not made from another, found nets on "
            f"{', '.join(sorted(shown))}; name others"
        )
    data = config["datasets"][next(iter(shown), next(iter(config["datasets"])))]
    settings = method_settings(data, "datasets")
    if data["root"] is not None:
        settings["root"] = data["root"]
    dataset = methods.find("datasets", data["method"])(**settings)
    nets = {name: _net(name, error, setting, config, dataset) for name, error in wanted.items()}
    print("wanted training errors:", ", ".join(f"{error:g}%" for error in wanted.values()))

    def show(value: float, errors: Any) -> None:
        found = ", ".join(f"{errors[name]:.2f}%" for name in wanted)
        print(f"{setting} {value:8.3f}: training errors {found}", flush=True)

    images, labels = (torch.from_numpy(array) for array in dataset.train)
    value, _ = fit(setting, nets, images, labels, progress=show)
    print(f"{setting}: {value:.3g}")


def _wanted(text: str) -> tuple[str, float]:
    name, _, error = text.rpartition("=")
    try:
        if name and 0 < float(error) < 100:
            return name, float(error)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected NET=ERROR, an error in percent, found {text!r}")


def _net(name: str, error: float, setting: str, config: Any, dataset: Any) -> Trained:
    """Return a net of the config, not yet trained."""
    from blindspots.config import methods
    from blindspots.config.check import method_settings
    from blindspots.files import weights
    from blindspots.jobs.calibration import Trained

    net = config["nets"].get(name)
    if net is None:
        known = ", ".join(config["nets"])
        raise InputError(f"expected a net of the config ({known}), found {name!r}")
    trainer = net["trainer"]
    if trainer is None or net["parents"] or net["train_on"] != "train":
        raise InputError(
            f"{name}: expected a net without parents, trained on all training images (train_on: "
            "train), found another; name other nets"
        )
    if not methods.takes("trainers", trainer["method"], setting):
        raise InputError(
            f"{name}: expected a trainer with the setting {setting!r}, found {trainer['method']}"
        )
    model = net["model"]
    made, _ = weights.create(
        model["method"],
        method_settings(model, "models"),
        dataset.train.images.shape[1:],
        dataset.classes,
        seed=config["seeds"][0],
    )
    train = methods.find("trainers", trainer["method"])
    offered = {"seed": config["seeds"][0], "classes": dataset.classes, "box": dataset.box}
    settings = methods.accepted(train, **offered) | method_settings(trainer, "trainers")
    return Trained(made, train, settings, error)
