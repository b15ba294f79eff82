"""Answers, time and memory of a GPU against two cores: at most six minutes, and a page of docs.

python -m benchmarks.gpu docs/GPU.md. Without a GPU it prints a line and writes nothing.
"""

from __future__ import annotations

import copy
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from blindspots import datasets
from blindspots.attacks import closest, lbfgs
from blindspots.devices import pick
from blindspots.files import weights
from blindspots.trainers.lbfgs import lbfgs as full_batch
from blindspots.trainers.sgd import sgd

NETS = {"FC100-100-10": ("mlp", {"hidden": [100, 100]}), "LeNet": ("lenet", {})}
ATTACKS = {"lbfgs": lbfgs, "closest": closest}
CPU, CORES = torch.device("cpu"), 2
SHOWN, MANY = 256, 4096
"""Images that are attacked on both, and on the GPU alone for its images per second."""

ENOUGH = 5
"""Minutes after which no further net is started."""

LOGITS, LOSS, DISTANCE, ALIKE = 1e-4, 1e-2, 1e-2, 0.99
"""Tolerances: logits over the largest of the image; a loss, and a mean distance over the images
that both attack successfully, in proportion; and the share of images with equal success. Sums are
in another order on a GPU, so that searches end elsewhere."""

NOTHING = "No GPU was found: nothing is compared, and no page is written."


class Agreement(NamedTuple):
    """Difference between a GPU and the CPU.

    Attributes:
        net: name of the net.
        what: the compared quantity.
        difference: the difference that was found.
        tolerance: the largest difference that is accepted.
    """

    net: str
    what: str
    difference: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Return whether the difference is within the tolerance; NaN is not."""
        return self.difference <= self.tolerance


class Speed(NamedTuple):
    """Images per second.

    Attributes:
        net: name of the net.
        what: what is done with the images.
        cpu: images per second on two cores.
        gpu: images per second on the GPU.
        memory: peak memory on the GPU, in MiB.
    """

    net: str
    what: str
    cpu: float
    gpu: float
    memory: float


def compare(
    device: torch.device, *, shown: int = SHOWN, many: int = MANY, until: float | None = None
) -> Iterator[Agreement | Speed]:
    """Do the same on the CPU and on another device.

    Args:
        device: the other device.
        shown: number of images that are attacked on both.
        many: number of images that the other device attacks and trains on.
        until: time by `time.perf_counter` after which no net is started; None: no limit.
    """
    images, labels = digits(many)
    for name, (method, settings) in NETS.items():
        if until is not None and time.perf_counter() > until:
            return
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            fresh, _ = weights.create(method, settings, (1, 28, 28), 10)
        mine, theirs = copy.deepcopy(fresh), copy.deepcopy(fresh).to(device)
        on_cpu, on_gpu = (images, labels), (images.to(device), labels.to(device))
        few_cpu, few_gpu = ((x[:shown], y[:shown]) for x, y in (on_cpu, on_gpu))
        for net, (x, y) in ((mine, few_cpu), (theirs, few_gpu)):
            _warm(copy.deepcopy(net), x[:32], y[:32])
        yield from _trained(name, mine, theirs, on_cpu, on_gpu)
        theirs.load_state_dict(mine.state_dict())  # from here on both are the same net
        with torch.no_grad():
            logits = mine(images), theirs(on_gpu[0]).cpu()
        off = (logits[1] - logits[0]).abs().amax(dim=1) / logits[0].abs().amax(dim=1)
        yield Agreement(name, "logits", off.max().item(), LOGITS)
        for attack, run in ATTACKS.items():
            before, found, _ = timed(CPU, run, mine, *few_cpu)
            other = run(theirs, *few_gpu)
            took, _, memory = timed(device, run, theirs, *on_gpu)
            both = found.success & other.success.cpu()
            ratio = other.l2.cpu()[both].mean() / found.l2[both].mean()
            unlike = (found.success != other.success.cpu()).double().mean().item()
            yield Agreement(name, f"{attack}: mean distance", abs(ratio.item() - 1), DISTANCE)
            yield Agreement(name, f"{attack}: images of unlike success", unlike, 1 - ALIKE)
            yield Speed(name, attack, shown / before, many / took, memory)


def _warm(net: nn.Module, images: Tensor, labels: Tensor) -> None:
    """Do everything once, so that imports and compilation are not timed."""
    sgd(net, images, labels, epochs=1)
    full_batch(net, images, labels, decay=1e-4, max_iterations=2)
    for attack in ATTACKS.values():
        attack(net, images, labels)


def _trained(
    name: str, mine: nn.Module, theirs: nn.Module, on_cpu: tuple[Tensor, Tensor],
    on_gpu: tuple[Tensor, Tensor],
) -> Iterator[Agreement | Speed]:  # fmt: skip
    """Train the same net on both, in mini-batches and then on all images at a time."""
    n = len(on_cpu[0])
    epochs, iterations = 2, 10
    for what, of, train in (
        ("training, sgd", epochs, lambda net, data: sgd(net, *data, epochs=epochs)),
        (
            "training, lbfgs",
            iterations,
            lambda net, data: full_batch(
                net, *data, decay=1e-4, tolerance=0, max_iterations=iterations
            ),
        ),
    ):
        before = copy.deepcopy(mine.state_dict())
        slow, (rows, _), _ = timed(CPU, train, mine, on_cpu)
        theirs.load_state_dict(before)
        device = on_gpu[0].device
        fast, (others, _), memory = timed(device, train, theirs, on_gpu)
        first, last = rows[0]["loss"], others[0]["loss"]
        yield Agreement(name, f"{what}: loss, first row", abs(last / first - 1), LOSS)
        yield Speed(name, what, of * n / slow, of * n / fast, memory)


def timed(device: torch.device, work: Callable[..., Any], *given: Any) -> tuple[float, Any, float]:
    """Seconds that some work takes, its result, and the peak memory of the GPU in MiB."""
    is_gpu = device.type == "cuda"
    if is_gpu:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    begun = time.perf_counter()
    found = work(*given)
    if is_gpu:
        torch.cuda.synchronize(device)
    seconds = time.perf_counter() - begun
    return seconds, found, torch.cuda.max_memory_allocated(device) / 2**20 if is_gpu else 0.0


def digits(n: int) -> tuple[Tensor, Tensor]:
    """The embedded digits, repeated and scaled to MNIST's size: (n, 1, 28, 28) and (n,).

    Copies differ by a little noise, so that their searches differ.
    """
    images, labels = datasets.load("digits", part="train")
    images = nn.functional.interpolate(images, (28, 28), mode="bilinear", align_corners=False)
    at = torch.arange(n) % len(images)
    noise = torch.randn(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return (images[at] + 0.02 * noise).clamp(0, 1), labels[at]


def page(found: list[Agreement | Speed], gpu: str, minutes: float) -> str:
    """The results as Markdown."""
    agreements = [row for row in found if isinstance(row, Agreement)]
    speeds = [row for row in found if isinstance(row, Speed)]
    lines = [
        "# On a GPU",
        f"Written by `python -m benchmarks.gpu` in {minutes:.1f} minutes on {gpu}, against {CORES} "
        f"cores of {platform.processor() or platform.machine()}; PyTorch {torch.__version__}. "
        "Everything is in float32, TF32 switched off. Nets are trained for a moment on the "
        "embedded digits, scaled to 28 × 28 pixels.",
        "## The same answers",
        "| net | what | difference | tolerance | |\n| --- | --- | ---: | ---: | --- |\n"
        + "\n".join(
            f"| {row.net} | {row.what} | {row.difference:.2g} | {row.tolerance:.2g} | "
            f"{'holds' if row.holds else '**does not hold**'} |"
            for row in agreements
        ),
        "## Images per second, and memory",
        f"Attacks are for any wrong class, on {SHOWN} images on the CPU and {MANY} at a time on "
        "the GPU; of trainings an image counts as often as it is seen.",
        "| net | what | two cores | GPU | times | GPU memory, MiB |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |\n"
        + "\n".join(
            f"| {row.net} | {row.what} | {row.cpu:,.0f} | {row.gpu:,.0f} | {row.gpu / row.cpu:.1f} "
            f"| {row.memory:,.0f} |"
            for row in speeds
        ),
    ]
    return "\n\n".join(lines) + "\n"


def main(path: str = "docs/GPU.md") -> int:
    """Compare, write the page, and return the number of differences beyond their tolerance."""
    if not torch.cuda.is_available():
        print(NOTHING)
        return 0
    begun = time.perf_counter()
    torch.set_num_threads(CORES)
    device, found = pick("cuda"), []
    (torch.ones(9, device=device) @ torch.ones(9, device=device)).item()  # its start is not timed
    for row in compare(device, until=begun + 60 * ENOUGH):
        print(row, flush=True)
        found.append(row)
    minutes = (time.perf_counter() - begun) / 60
    Path(path).write_text(page(found, torch.cuda.get_device_name(device), minutes), "utf-8")
    print(f"{minutes:.1f} minutes; see {path}")
    return sum(isinstance(row, Agreement) and not row.holds for row in found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
