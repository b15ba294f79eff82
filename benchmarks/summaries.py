"""Memory and time of tables, figures and the ledger: ``python -m benchmarks.summaries``.

Measured on synthetic answers with as many victims as nets, 2.5 million rows by default and a
quarter of them, and printed next to what `jobs.resources` declares for as many rows; other
arguments are the number of nets and of images. Linux only: it tells a process its peak.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.memory import peak
from blindspots.analyses.threats import of_one, summarised
from blindspots.attacks import table as attacks
from blindspots.certificates import table as certificates
from blindspots.config import methods
from blindspots.figures.kit import save, style
from blindspots.files import splits, tables
from blindspots.files.parquet import writing
from blindspots.files.parts import Parts
from blindspots.jobs import resources
from blindspots.jobs.evidence import evidence
from blindspots.jobs.ledger import READ, build
from blindspots.jobs.ledger import SCHEMA as LEDGER
from blindspots.measurements.sweep import RADII
from blindspots.measurements.transfer import TRANSFER
from blindspots.threat.answers import CLEAN

NETS, IMAGES, CHUNK = 16, 10_000, 256
SETTINGS = {"errors": {"parts": ["test"]}, "contrasts": {"parts": ["test"], "against": ["net0"]}}
SHOWN = {
    "analyses": ("transfer", "errors", "ledger", "excess", "effects", "radius", "variance",
                 "robustness", "contrasts"),
    "figures": ("heatmap", "distortions", "robustness"),
}  # fmt: skip


class Made:
    """Synthetic answers of nets that sometimes err, in the workflow's tables."""

    def __init__(self, folder: Path, nets: int, n: int) -> None:
        self.folder, self.nets, self.n = folder, [f"net{i}" for i in range(nets)], n
        self.rng = np.random.default_rng(0)
        self.wrong = {net: self.rng.random(n) < 0.05 for net in self.nets}
        index = np.arange(n, dtype=np.int32)
        self.image = {"dataset": "made", "file": "test", "index": index, "label": index % 10}
        self.before = {net: self._outcomes(wrong) for net, wrong in self.wrong.items()}
        self.length = {net: np.where(w, 0, self.rng.random(n)) for net, w in self.wrong.items()}

    def write(self) -> None:
        """Write all tables."""
        kept = {name: self.image[name] for name in ("dataset", "file", "index")}
        part = kept | {"seed": 0, "subset": "test"}
        schema = pa.schema([field for field in splits.SCHEMA if field.name in part])
        tables.write(self.folder / "split.parquet", tables.build(part, schema), {})
        for net in self.nets:
            self._write(f"clean.{net}", CLEAN, self._answers(self.wrong[net]), net=net)
            self._write(f"attacks.{net}", attacks.schema((1, 2, 2)), self._attack(net), net=net)
            radius = {"certificate": "made", "radius": np.zeros(self.n), "norm": "l2", "box": False}
            self._write(f"certificates.{net}", certificates.SCHEMA, radius, net=net)
        for name, schema, parts in (("transfer", TRANSFER, self._transfer()),
                                    ("radii", RADII, self._radii())):  # fmt: skip
            with writing(self.folder / f"{name}.parquet", schema, {}) as append:
                for part in parts:
                    append(part)
        with writing(self.folder / "ledger.parquet", LEDGER, {}) as append:
            for part in self.ledger():
                append(part)

    def ledger(self) -> Iterator[pa.Table]:
        """The ledger, net by net."""
        files = {name: Parts([*self.folder.glob(f"{name}.*")]) for name in READ}
        finders = {name: of.finder("net", READ[name]) for name, of in files.items()}
        for net in self.nets:
            rows = {name: of_nets([net]) for name, of_nets in finders.items()}
            yield tables.from_frame(build(**rows, prepared={PLACE: Prepared()}), LEDGER)

    def _write(self, name: str, schema: pa.Schema, said: dict, **more: object) -> None:
        tables.write(self.folder / f"{name}.parquet", self._built(schema, said | more), {})

    def _built(self, schema: pa.Schema, said: dict, at: slice = slice(None)) -> pa.Table:
        """Rows of the images at some places: columns in `said` have values, others are null."""
        numbers = {name: column[at] for name, column in self.image.items() if name != "dataset"
                   and name != "file"}  # fmt: skip
        every = {"seed": 0, "attack": "closest", "experiment": "all", "status": "CONVERGED",
                 "dataset": "made", "file": "test"} | numbers | said  # fmt: skip
        return tables.build({f.name: every.get(f.name) for f in schema}, schema)

    def _outcomes(self, wrong: np.ndarray) -> np.ndarray:
        return np.where(wrong, "WRONG", "RIGHT").astype(object)

    def _answers(self, wrong: np.ndarray) -> dict:
        label = self.image["label"]
        return {
            "prediction": np.where(wrong, (label + 1) % 10, label), "margin": np.ones(self.n),
            "outcome": self._outcomes(wrong), "confidence": 0.5, "probabilities": False,
        }  # fmt: skip

    def _attack(self, net: str) -> dict:
        lengths = {"l0": 1, "l0_features": 1, "l1": 0.5, "l2": 0.5, "linf": 0.5}
        flags = dict.fromkeys(("mistaken", "certain", "inside", "success"), True)
        after = {"attacked_prediction": (self.image["label"] + 1) % 10, "attacked_outcome": "WRONG"}
        more = {"norm": "l2", "forwards": 9, "backwards": 9, "distortion": self.length[net]}
        image = {"image": np.zeros((self.n, 1, 2, 2), np.float32)}
        return self._answers(self.wrong[net]) | lengths | flags | after | more | image

    def _transfer(self) -> Iterator[pa.Table]:
        for victim in self.nets:
            for source in self.nets:
                seen = self._answers(self.rng.random(self.n) < 0.4)
                of = {"source": source, "victim": victim, "victim_seed": 0, "success": True}
                more = {"source_outcome": self.before[source], "distortion": self.length[source]}
                yield self._built(TRANSFER, seen | of | more)

    def _radii(self) -> Iterator[pa.Table]:
        for first in range(0, self.n, CHUNK):
            at = slice(first, first + CHUNK)
            for source in self.nets:
                for victim in self.nets:
                    of = {"source": source, "victim": victim, "success": True}
                    seen = {"radius": self.length[source][at]}
                    for noise in ("noise", "noise_in_box"):
                        seen |= {f"{noise}_draws": 3, f"{noise}_rejected": 0,
                                 f"{noise}_fooled": self.rng.integers(0, 4)}  # fmt: skip
                    yield self._built(RADII, of | seen, at)


PLACE = ("made", 0, "test")


class Prepared:
    """Unaltered images for the ledger, which needs only their shape if all radii are 0."""

    shape = (1, 2, 2)

    def reach(self, index: np.ndarray) -> np.ndarray:
        """Largest changes of features."""
        return np.ones((len(index), *self.shape))


def summary(folder: Path, role: str, method: str) -> None:
    """Make a table or a figure, as the workflow's jobs do."""
    function, wanted = methods.find(role, method), methods.inputs(role, method)
    files = {name: sorted(map(str, folder.glob(f"{name}.*"))) for name in wanted}
    frames = evidence(files, None, (), methods.by_parts(role, method))
    settings = {"labels": {}} | SETTINGS.get(method, {})
    if role == "analyses":
        summarised(function, frames, settings, method, several=False)
        return
    with style():
        save(function(**of_one(frames, several=False)[0], **settings), folder / "figure.svg")


def rows_of(role: str, method: str, nets: int, n: int) -> dict[str, int]:
    """Rows of the tables that a summary reads, by name."""
    rows = {"transfer": nets * nets * n, "attacks": nets * n, "clean": nets * n}
    rows |= {"radii": rows["transfer"], "ledger": resources.BOUNDS * rows["attacks"]}
    return {name: rows[name] for name in methods.inputs(role, method) if name in rows}


def measured(folder: Path, role: str, method: str) -> tuple[float, float]:
    """MiB that a summary takes, and seconds of a processor."""
    began = time.process_time()
    if method != "bounds":
        return peak(lambda: summary(folder, role, method)), time.process_time() - began
    made: Made = pickle.loads((folder / "made").read_bytes())
    return peak(lambda: [None for _ in made.ledger()]), time.process_time() - began


def measure(nets: int, n: int) -> dict[str, float]:
    """Make the tables, and each summary in a process of its own; print what it takes.

    Returns:
        Seconds of each summary.
    """
    print(f"{nets * nets * n / 1e6:.1f} million answers of {nets} nets")
    found = {}
    with tempfile.TemporaryDirectory() as name:
        made = Made(Path(name), nets, n)
        made.write()
        (made.folder / "made").write_bytes(pickle.dumps(made))
        for role, of in [*SHOWN.items(), ("the ledger of", ("bounds",))]:
            for method in of:
                command = [sys.executable, "-m", "benchmarks.summaries", name, role, method]
                ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                took, seconds = map(float, ended.stdout.split())
                is_ledger = method == "bounds"
                rows = {} if is_ledger else rows_of(role, method, nets, n)
                by_parts = () if is_ledger else methods.by_parts(role, method)
                most = resources.by_ledger(nets * n, nets) if is_ledger else resources.by_analysis(
                    rows, by_parts, nets)  # fmt: skip
                minutes = resources.minutes(2 * nets * n if is_ledger else sum(rows.values()))
                print(
                    f"{role} {method}: {took:.0f} MiB, {took * 2**20 / most:.2f} of declared; "
                    f"{seconds:.1f} s, {seconds / 60 / minutes:.3f} of declared",
                    flush=True,
                )
                found[f"{role} {method}"] = seconds
    return found


def main(nets: int = NETS, n: int = IMAGES) -> None:
    """Measure summaries of a quarter of the images and of all: time should grow like the rows."""
    few, many = measure(nets, n // 4), measure(nets, n)
    print("seconds per million answers, by those of a quarter of them")
    for name, seconds in many.items():
        per_million = seconds / (nets * nets * n / 1e6)
        print(f"{name}: {per_million:.1f}, {seconds / few[name] / 4:.2f}")


if __name__ == "__main__" and len(sys.argv) == 4:
    print(*measured(Path(sys.argv[1]), *sys.argv[2:]))
elif __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
