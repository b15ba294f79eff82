"""Time that Snakemake takes before anything runs: ``python -m benchmarks.workflow``.

A dry run of the paper's config, of one with 50 nets, 6 attacks and 5 seeds next to its limit,
and of one with 10 000 jobs; and a run of the quickstart's config in which nothing is left to do.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
REPEATS = 3
MOST = 10
"""Seconds of CPU that the dry run of 50 nets, 6 attacks and 5 seeds may take."""


def many(nets: int, attacks: int, seeds: int = 1) -> dict:
    """A config with a training, a bound and `attacks` attacks for each of many nets and seeds."""
    return {
        "run": "many",
        "seeds": list(range(seeds)),
        "data": "digits",
        "nets": {
            f"net{i}": {"model": "mlp", "trainer": {"method": "lbfgs", "decay": 1e-4}}
            for i in range(nets)
        },
        "attacks": {f"attack{i}": {"method": "lbfgs"} for i in range(attacks)},
        "experiments": {
            f"with{i}": {"attack": f"attack{i}", "part": "train", "n": 128} for i in range(attacks)
        },
        "report": "none",
    }


def taken(folder: Path, config: Path, *options: str) -> tuple[float, float, str]:
    """The least seconds of several runs of Snakemake, by the clock and of CPU; what it said."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "all", "--configfile", str(config), "--directory", str(folder)]
    clock, cpu = [], []
    for _ in range(REPEATS):
        begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clock.append(time.perf_counter() - begun)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(clock), min(cpu), ended.stdout + ended.stderr


def jobs(said: str) -> str:
    """The number of jobs of a dry run."""
    return next(line.split()[1] for line in said.splitlines() if line.startswith("total"))


def main() -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configs = {"the paper": ROOT / "config.yaml"}
        for title, config in (("50 x 6 x 5", many(50, 6, 5)), ("many nets", many(1000, 8))):
            configs[title] = folder / f"{title}.yaml"
            configs[title].write_text(yaml.safe_dump(config), "utf-8")
        for title, config in configs.items():
            clock, cpu, said = taken(folder, config, "--dry-run", "--quiet", "rules")
            ratio = f", {cpu / MOST:.2f} of {MOST} s" if title == "50 x 6 x 5" else ""
            print(f"dry run of {title}, {jobs(said)} jobs: {clock:.1f} s, {cpu:.1f} s CPU{ratio}")
        preset = ROOT / "presets/digits.yaml"
        taken(folder, preset)
        clock, _, said = taken(folder, preset)
        assert "Nothing to be done" in said
        print(f"run with nothing to do: {clock:.1f} s")


if __name__ == "__main__":
    main()
