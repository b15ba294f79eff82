"""Our attacks against public ones: same nets, images and targets, in one run.

Writes a table with a row per net, goal and method and one with a row per image, and from those the
page and the pictures of docs/. Started by `make bench`; see `--help`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks import report
from benchmarks.methods import METHODS
from benchmarks.nets import OTHERS, load
from benchmarks.report import MAIN
from blindspots import datasets
from blindspots.files import splits, tables
from blindspots.threat.targets import choose_targets
from tests.oracles import smallest_linear_perturbation

ROOT = Path(__file__).parents[1]
RUN = ROOT / "results/benchmark"
OURS = (MAIN, "LeNet", "FC10-1e-2", "FC10-1e-4")
SCALES = (1024, 4096, 16384, 60000)
TIMEOUT = 900


def main() -> None:
    """Run the methods that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable, help="Python that has the peers")
    parser.add_argument("--part", default="test", choices=["test", "validation"])
    parser.add_argument("--n", type=int, default=1024, help=f"images on {MAIN}")
    parser.add_argument("--few", type=int, default=64, help="images on the other nets")
    parser.add_argument("--nets", default=".", help="only nets whose name matches this")
    parser.add_argument("--methods", default=".", help="only methods whose name matches this")
    parser.add_argument("--goals", default="targeted,any")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/out")
    parser.add_argument("--timeout", type=int, default=TIMEOUT, help="seconds for a method")
    parser.add_argument("--docs", type=Path, help="write the page and its pictures here")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    root = os.environ.get("BLINDSPOTS_DATA")
    files = {name: RUN / f"nets/{name}.s0/weights.safetensors" for name in OURS}
    if root and (Path(root) / "models").is_dir():
        files |= {name: Path(root) / f"models/{name}.safetensors" for name in OTHERS}
    frames: list[pd.DataFrame] = []
    for name in filter(re.compile(options.nets).search, files):
        for goal in options.goals.split(","):
            frames += compare(name, files[name], goal, options, root)
            write(frames, None, options)
    print(report.text(report.summary(pd.concat(frames, ignore_index=True))))
    if options.docs:
        write(frames, scale(files[MAIN], options, root), options)


def write(frames: list[pd.DataFrame], scaling: pd.DataFrame | None, options) -> None:
    """Write the results so far."""
    images = pd.concat(frames, ignore_index=True)
    images.to_parquet(options.out / "images.parquet")
    table = report.summary(images)
    table.to_parquet(options.out / "attacks.parquet")
    if scaling is not None:
        scaling.to_parquet(options.out / "scaling.parquet")
    if options.docs:
        report.write(options.docs, table, images, scaling, MAIN)


def compare(name: str, file: Path, goal: str, options, root: str | None) -> list[pd.DataFrame]:
    """Rows per method and image of all methods on one net."""
    n = options.n if name == MAIN else options.few
    images, labels = sample(options.part, n, root)
    model = load(str(file))
    with torch.no_grad():
        logits = model(images)
    targets = choose_targets("random", logits, labels, 10, seed=0, rows=range(n))
    aimed = goal == "targeted"
    right = logits.argmax(dim=1) != targets if aimed else logits.argmax(dim=1) == labels
    common = {"images": images.numpy(), "labels": labels.numpy(), "net": str(file)}
    if aimed:
        common["targets"] = targets.numpy()
    frames = []
    for method, entry in METHODS.items():
        if not re.search(options.methods, method) or (aimed and not entry.targeted):
            continue
        if name != MAIN and not entry.everywhere:
            continue
        if method.startswith("SciPy") and not aimed:
            continue  # it takes minutes, and its rank is known
        python = sys.executable if entry.is_ours else options.peers
        found = run(python, method, common, options)
        if found is not None:
            frames.append(rows_of(found, entry, method, right.numpy()))
    if name.startswith("FC10-") and frames:
        frames.append(exact(model, images, labels, targets if aimed else None, right.numpy()))
    inputs = hashlib.sha256(images.numpy().tobytes()).hexdigest()[:12]
    return [frame.assign(net=name, goal=goal, inputs=inputs) for frame in frames]


def sample(part: str, n: int, root: str | None) -> tuple[torch.Tensor, torch.Tensor]:
    """The first n images of a part of the split that the nets were trained with."""
    rows = splits.rows_of(tables.read(RUN / "splits/mnist.s0.parquet"), part)
    images, labels = datasets.load("mnist", part="test" if part == "test" else "train", root=root)
    at = torch.from_numpy(rows["index"].to_numpy()[:n].astype(np.int64))
    return images[at], labels[at]


def run(python: str, method: str, task: dict, options) -> dict | None:
    """Run a method in a process of its own; None if it ends without a result."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if method.startswith("SciPy"):  # its processes share the cores
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(dir=options.out) as folder:
        given, found = Path(folder, "task.npz"), Path(folder, "result.npz")
        np.savez(given, method=method, threads=os.cpu_count() or 1, **task)
        command = [python, "-W", "ignore", "-m", "benchmarks.worker", str(given), str(found)]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=options.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"{method}: no result after {options.timeout} s")
            return None
        if not found.exists():
            print(f"{method}: no result: {done.stderr.strip().splitlines()[-1:]}")
            return None
        result = {key: value.copy() for key, value in np.load(found).items()}
    print(
        f"{Path(task['net']).parent.name:20} {method:24} {result['seconds']:8.2f} s  "
        f"mean L2 {result['l2'][result['success']].mean():.4f}  "
        f"{(~result['success']).sum()} failures",
        flush=True,
    )
    return result


def rows_of(found: dict, entry, method: str, right: np.ndarray) -> pd.DataFrame:
    """A row per image that needs a perturbation."""
    n = len(right)
    return pd.DataFrame(
        {
            "method": method,
            "family": entry.family,
            "image": np.arange(n),
            "l2": np.where(found["success"] & bool(found["in_box"]), found["l2"], np.inf),
            "seconds": float(found["seconds"]),
            "images": n,
            "forwards": int(found["forwards"]) / n,
            "backwards": int(found["backwards"]) / n,
            "bare": float(found["bare"]),
            "peak": float(found["peak"]),
        }
    )[right]


def exact(model, images, labels, targets, right: np.ndarray) -> pd.DataFrame:
    """The exact answer on a linear net, by SciPy on the dual of each image's quadratic program."""
    layer = [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1]
    weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
    x = images.double().flatten(1).numpy()
    l2 = np.full(len(x), np.nan)
    for i in np.nonzero(right)[0]:
        goals = range(10) if targets is None else [int(targets[i])]
        l2[i] = min(
            smallest_linear_perturbation(weight, bias, x[i], t) for t in goals if t != labels[i]
        )
    columns = {"method": "exact", "family": "exact", "image": np.arange(len(x)), "l2": l2}
    return pd.DataFrame(columns)[right]


def scale(file: Path, options, root: str | None) -> pd.DataFrame:
    """Time and memory of our attacks for increasing numbers of images."""
    images, labels = datasets.load("mnist", part="train", root=root)
    with torch.no_grad():
        logits = load(str(file))(images)
    targets = choose_targets("random", logits, labels, 10, seed=0, rows=range(len(images)))
    rows = []
    for method in ("lbfgs", "closest"):
        for n in SCALES:
            task = {"images": images[:n], "labels": labels[:n], "targets": targets[:n]}
            task = {key: value.numpy() for key, value in task.items()} | {"net": str(file)}
            found = run(sys.executable, method, task, options)
            if found is not None:
                rows.append(
                    {
                        "method": method,
                        "images": n,
                        "microseconds": 1e6 * float(found["seconds"]) / n,
                        "peak": float(found["whole"]),
                    }
                )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
