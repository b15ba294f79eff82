"""Memory of jobs beyond their imports: ``python -m benchmarks.memory``.

It reads a few images from large files, and runs transfer and a sweep over increasing numbers of
images and linear nets, which are made, not trained; each is printed with its share of what it may
take. Nothing is held in memory that can be read again (in a workflow a fixed amount is, see
``jobs.measure.HELD``). It needs Linux, which reports a process's peak.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from torch import nn

from blindspots.attacks.table import schema
from blindspots.config import declarations
from blindspots.datasets import table
from blindspots.files import images, splits, tables
from blindspots.files.parquet import writing
from blindspots.interface import UNIT_BOX, Part
from blindspots.jobs.outputs import Outputs
from blindspots.measurements.exhibits import Exhibit, attacked, control
from blindspots.measurements.sweep import sweep
from blindspots.measurements.transfer import transfer

SHAPE, CLASSES, CHUNK = (1, 28, 28), 10, 256
READ = [(1_000,), (10_000,), (60_000,)]
SHOWN = [(1_024, 2), (2_048, 2), (4_096, 2), (512, 4), (512, 8)]
SWEPT = [(512, 2), (1_024, 2), (2_048, 2), (512, 4)]


def prepared(folder: Path, n: int) -> None:
    """A file of n images of strokes of one grey value, and its split."""
    rng, pixels = np.random.default_rng(0), np.zeros((n, *SHAPE), np.float32)
    for image in pixels:
        row, column = rng.integers(0, 20, 2)
        image[0, row : row + 8, column : column + 8] = rng.integers(1, 256) / 255
    part = Part(pixels, rng.integers(0, CLASSES, n))
    known = table.write(folder / "test.parquet", part, CLASSES, UNIT_BOX, {}, dataset="made")
    index, _ = splits.split(known.slice(0, 0), known, p1=0, p2=0, validation=0, seed=0)
    tables.write(folder / "split.parquet", index, {})


def read(folder: Path, n: int | None = None) -> images.Images:
    """The first n images, all by default."""
    return images.read(folder / "test.parquet", folder / "split.parquet", "test", n)


def net(seed: int) -> nn.Module:
    """A linear net with weights of a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(784, CLASSES)).requires_grad_(False)


def attack(folder: Path, number: int) -> None:
    """The table of an attack on a net: images with a little noise, said to be successes."""
    rng, columns = np.random.default_rng(number), schema(SHAPE)
    with writing(folder / f"{number}.parquet", columns, {}) as append:
        for part in read(folder).chunks(CHUNK):
            found = part.images.numpy() + rng.normal(0, 0.1, part.images.shape)
            found = np.clip(found, 0, 1).astype(np.float32)
            change = (found.astype(float) - part.images.numpy()).reshape(len(part), -1)
            said = dict.fromkeys(("seed", "forwards", "backwards", "l0", "l0_features"), 0)
            said |= dict.fromkeys(("prediction", "attacked_prediction", "target"), 0)
            said |= dict.fromkeys(("confidence", "attacked_confidence", "l1", "l2", "linf"), 0.5)
            said |= dict.fromkeys(("mistaken", "certain", "inside", "success"), True)
            said |= dict.fromkeys(("norm", "eps", "success_share", "penalty"))
            said |= dict.fromkeys(("rounded_outcome", "rounded_success"))
            said |= {"outcome": "RIGHT", "attacked_outcome": "WRONG", "status": "CONVERGED"}
            said |= {"net": f"net{number}", "attack": "noise", "dataset": "made", "file": "test"}
            said |= {"index": part.rows, "label": part.labels.numpy(), "image": found}
            said["distortion"] = np.sqrt(np.square(change).mean(axis=1))
            append(tables.build(said, columns))


def several(folder: Path, n: int, nets: int) -> None:
    """Make n images, and attacks of as many nets on them."""
    prepared(folder, n)
    for number in range(nets):
        attack(folder, number)


def some_images(folder: Path, n: int) -> None:
    """Read 256 of n images."""
    assert len(read(folder, 256).images) == 256


def shown(folder: Path, n: int, nets: int) -> None:
    """Show n attacked images of as many nets, amplified ones and noise to all of them."""
    data, models = read(folder), {(f"net{i}", 0): net(i) for i in range(nets)}
    noise = control("gaussian", "gaussian", {"std": 0.1}, data, 0)
    with ExitStack() as files:
        found = transfer(
            "all", 0, made(folder, data, nets), [noise], models, CHUNK,
            amplify=[0.1], clip=True, across_seeds=False,
        )  # fmt: skip
        outputs(files, folder, ["transfer", "pictures", "witnesses"]).add(found, {})


def swept(folder: Path, n: int, nets: int) -> None:
    """Scale n attacked images of as many nets, and show them to all of them."""
    data, models = read(folder), {f"net{i}": net(i) for i in range(nets)}
    with ExitStack() as files:
        found = sweep(
            "all", 0, data, made(folder, data, nets), models, CHUNK,
            distortions=[0.05, 0.1, 0.2], noise_draws=2,
        )  # fmt: skip
        outputs(files, folder, ["radii", "curves", "witnesses"]).add(found, {})


def made(folder: Path, data: images.Images, nets: int) -> list[Exhibit]:
    """The attacked images of the nets."""
    paths = (folder / f"{number}.parquet" for number in range(nets))
    return [one for path in paths for one in attacked(path, data, [], clip=True)]


def outputs(files: ExitStack, folder: Path, names: list[str]) -> Outputs:
    """Tables of these names."""
    return Outputs(files, {name: str(folder / f"{name}.parquet") for name in names}, names, {}, "")


def peak(job: Callable[[], None]) -> float:
    """MiB that a job takes at most, beyond what the process had before."""

    def now(name: str) -> float:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # resets the peak
    before = now("VmRSS")
    job()
    return now("VmHWM") - before


JOBS = {
    "some_images": (prepared, some_images, "256 of n images", READ),
    "shown": (several, shown, "transfer of n images between nets", SHOWN),
    "swept": (several, swept, "sweep of n images between nets", SWEPT),
}
"""The maker of a job's files, the job, its title and its sizes."""


LIMIT = 100
"""MiB that reading some images may take."""


def declared(name: str, n: int) -> float:
    """MiB that a job may take beyond what it imports, or all in all where it declares that."""
    method = {"shown": "transfer", "swept": "sweep"}.get(name)
    if method is None:
        return LIMIT
    what = declarations.measurement(method)
    sizes = n, SHAPE[1] * SHAPE[2], CLASSES, CHUNK
    return declarations.needed(what, "memory", method, *sizes) * 1e6 / 2**20


def run(*arguments: str) -> str:
    """Output of a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def main() -> None:
    """Run each job in a process of its own, and print its memory."""
    for name, (*_, title, all_sizes) in JOBS.items():
        print(title)
        for sizes in all_sizes:
            with tempfile.TemporaryDirectory() as folder:
                words = [name, folder, *map(str, sizes)]
                run("make", *words)
                took, most = float(run("measure", *words)), declared(name, sizes[0])
                of = f"{took / most:.2f} of {most:.0f}"
                print(f"  {', '.join(words[2:]):>12}: {took:.0f} MiB, {of}", flush=True)


if __name__ == "__main__" and len(sys.argv) > 1:
    make, job, *_ = JOBS[sys.argv[2]]
    where, given = Path(sys.argv[3]), [*map(int, sys.argv[4:])]
    if sys.argv[1] == "make":
        make(where, *given)
    else:
        print(peak(lambda: job(where, *given)))
elif __name__ == "__main__":
    main()
