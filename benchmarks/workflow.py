"""How long Snakemake takes before anything runs: ``python -m benchmarks.workflow``.

A dry run of the paper's config, one of a config with 10 000 jobs, and a run of the quickstart's
config in which nothing is left to do.
"""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
REPEATS = 3


def many(nets: int, attacks: int) -> dict:
    """A config with a training, a bound and `attacks` attacks for each of many nets."""
    config = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    net = config["nets"]["FC10-1e-4"]
    config["run"] = "many"
    config["nets"] = {f"net{i}": copy.deepcopy(net) for i in range(nets)}
    config["attacks"] |= {f"attack{i}": {"method": "lbfgs"} for i in range(attacks)}
    one = config["experiments"]["cross-model"] | {"controls": []}
    everyone = {"sources": list(config["nets"]), "victims": list(config["nets"])}
    config["experiments"] = {
        f"with{i}": one | everyone | {"attack": f"attack{i}"} for i in range(attacks)
    }
    config["tables"], config["figures"], config["claims"] = {}, {}, None
    return config


def seconds(folder: Path, config: Path, *options: str) -> tuple[float, str]:
    """The least wall time of several runs of Snakemake, and what the last one said."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "all", "--configfile", str(config), "--directory", str(folder)]
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        ended = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
        taken.append(time.perf_counter() - begun)
    return min(taken), ended.stdout + ended.stderr


def jobs(said: str) -> str:
    """The number of jobs of a dry run."""
    return next(line.split()[1] for line in said.splitlines() if line.startswith("total"))


def main() -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = folder / "many.yaml"
        large.write_text(yaml.safe_dump(many(nets=1000, attacks=8)), "utf-8")
        for title, config in (("the paper", ROOT / "config.yaml"), ("many nets", large)):
            taken, said = seconds(folder, config, "--dry-run", "--quiet", "rules")
            print(f"dry run of {title}, {jobs(said)} jobs: {taken:.1f} s", flush=True)
        preset = ROOT / "presets/digits.yaml"
        seconds(folder, preset)
        taken, said = seconds(folder, preset)
        assert "Nothing to be done" in said
        print(f"run with nothing to do: {taken:.1f} s")


if __name__ == "__main__":
    main()
