"""Renew the generated parts of the documents: ``make docs``."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from snakemake.utils import available_cpu_count

from docs import screenshots

ROOT = Path(__file__).parents[1]
PRESET = ROOT / "presets/digits.yaml"
MARKED = re.compile(r"(?<=: make docs -->\n).*?(?=<!-- end -->)", re.S)
"""The generated part of a page, one in each."""

TIMES = """# Where the quickstart's time goes

Written by `make docs`, from a run of `presets/digits.yaml` with `--cores all` on {cores} cores.
Start-up is the start of a job's Python and its imports, most of it PyTorch's; a second in which two
jobs run is shared between them. Every run leaves this table in `logs/<run>/times.md`.

{table}
"""


def snakemake(*options: str) -> str:
    """Standard output of Snakemake on the quickstart's config."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "all", "--configfile", str(PRESET), *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def rulegraph() -> str:
    """Snakemake's graph of the rules as Mermaid, less the edges that others imply."""
    drawn = snakemake("--rulegraph", "mermaid-js")
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", drawn))
    found = re.findall(r"(id\d+) --> (id\d+)", drawn)
    edges = {(names[a], names[b]) for a, b in found if a != b and names[b] != "all"}

    def reached(start: str, without: tuple[str, str]) -> set[str]:
        new, seen = {start}, set()
        while new:
            seen |= new
            new = {b for a, b in edges - {without} if a in seen} - seen
        return seen

    kept = sorted((a, b) for a, b in edges if b not in reached(a, without=(a, b)))
    lines = "\n".join(f"  {a} --> {b}" for a, b in kept)
    return f"```mermaid\nflowchart LR\n{lines}\n```\n"


PEERS = """Means over {n} images for {main} and {low} to {high} for each other network;
seconds for all images of {main}, also those that need no perturbation, with one
thread per core.

"""
"""Sentences above the table in the README."""


def attacks() -> str:
    """Excess of the methods that docs/BENCHMARK.md has for every net with hidden layers."""
    nets: dict[str, dict[str, list[str]]] = {}
    images: dict[str, int] = {}
    for section in (ROOT / "docs/BENCHMARK.md").read_text("utf-8").split("\n## "):
        heading = re.match(r"(.+), any wrong class, (\d+) images\n", section)
        if heading and not (net := heading[1]).startswith("FC10-"):
            images[net] = int(heading[2])
            rows = re.findall(r"^\| (.+?)(?: ★)? \| (\(?[\d.]+%.*) \|$", section, re.M)
            nets[net] = {method: cells.split(" | ") for method, cells in rows}
    first, *others = nets.values()
    (main, n), *rest = images.items()
    few = [count for _, count in rest]
    said = PEERS.format(main=main, n=n, low=min(few), high=max(few))
    table = [["method", "seconds", *(net.replace("_mnist", "") for net in nets)]]
    table += [["---"] + ["---:"] * (1 + len(nets))]
    for method in first:
        if all(method in net for net in others):
            cells = [_excess(*net[method][:2]) for net in nets.values()]
            table.append([method, first[method][3], *cells])
    return said + "".join(f"| {' | '.join(row)} |\n" for row in table)


def _excess(mean: str, failures: str) -> str:
    return mean.strip("()") + (f" ({failures} failed)" if failures != "0" else "")


def times(folder: Path) -> str:
    """The page on where the quickstart's time goes, from a run in a folder."""
    table = (folder / "logs/digits/times.md").read_text("utf-8").strip()
    return TIMES.format(cores=available_cpu_count(), table=table)


def main() -> None:
    """Write them."""
    for name, renewed in PLACES.items():
        page = ROOT / name
        page.write_text(MARKED.sub(lambda _, new=renewed: new(), page.read_text("utf-8")), "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        snakemake("--directory", folder)
        (ROOT / "docs/TIMES.md").write_text(times(Path(folder)), "utf-8")
        screenshots.take(Path(folder, "results/digits/report.html"))


PLACES = {"README.md": attacks, "docs/running.md": rulegraph}

if __name__ == "__main__":
    main()
