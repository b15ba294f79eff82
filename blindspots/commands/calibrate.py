"""Fit decay_scale to the FC10 training errors of the paper's Table 1.

Example:
  blindspots calibrate config.yaml
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from blindspots.commands import _shared


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("config", type=Path, help="config whose dataset is trained on")


def run(arguments: argparse.Namespace) -> None:
    """Print the factor, and on the way what each one tried gives."""
    import torch

    from blindspots.analyses.printed import TABLES
    from blindspots.config import methods
    from blindspots.config.check import method_settings
    from blindspots.config.datasets import is_derived
    from blindspots.jobs.calibration import fit_decay_scale

    datasets = _shared.read(arguments.config)["datasets"].values()
    data = next(dataset for dataset in datasets if not is_derived(dataset))
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
