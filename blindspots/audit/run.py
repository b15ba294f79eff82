"""The audit of a run: all checks of every net, from the run's files."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from blindspots.audit import radii, recorded, transfer, witnesses
from blindspots.audit.checks import REMEDY, Check
from blindspots.audit.files import (
    AGAIN,
    AuditError,
    Images,
    Ledger,
    Originals,
    distinct,
    metadata,
    nets,
    rows,
)
from blindspots.audit.networks import ChanceError, Network, UnknownError, load

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("check", pa.string(), nullable=False),
        pa.field("checked", pa.int64(), nullable=False),  # rows that were checked
        pa.field("unchecked", pa.int64(), nullable=False),  # rows that could not be
        pa.field("reason", pa.string()),  # why not; null: all were
        pa.field(
            "discrepancy", pa.float64()
        ),  # the largest, see `CHECKS`; null: nothing to compare
    ]
)

CHECKS = {
    "distance": "witnesses lie in the box, at the ledger's distance in each norm (relative)",
    "answer": "the net's answer to a witness is the target or, without one, not the label",
    "mistake": "the net gets unaltered images with an upper bound of 0 wrong",
    "radius": "radii by the product of the layers' norms are as recomputed (relative)",
    "order": "no radius exceeds a distance found, in any norm (largest ratio)",
    "length": "attacked images are as far from the originals as recorded (relative)",
    "attacked": "the net answers attacked images and originals as recorded",
    "clean": "the net answers all unaltered images as recorded",
    "transfer": "the net answers noise, and images made for other nets, as recorded",
}
"""Assertion of each check and, in brackets, kind of its discrepancy."""

Net = tuple[str, int]
"""A net's name and seed."""


class Files(NamedTuple):
    """The files of a run.

    Attributes:
        ledger: table of the ledger.
        attacks: tables of attacks.
        certificates: tables of certificates.
        weights: weights of each net, by name and seed.
        images: the prepared images, by dataset, seed, and "train" or "test".
        clean: tables of answers to unaltered images, one per net and dataset.
        transfer: tables of answers to attacked images, one per experiment.
        pictures: tables of pictures, one per experiment.
        witnesses: tables of images that are nearer than those that the net's own attack found.
    """

    ledger: str | Path
    attacks: Sequence[str | Path]
    certificates: Sequence[str | Path]
    weights: Mapping[Net, str | Path]
    images: Mapping[Images, str | Path]
    clean: Sequence[str | Path] = ()
    transfer: Sequence[str | Path] = ()
    pictures: Sequence[str | Path] = ()
    witnesses: Sequence[str | Path] = ()

    @property
    def attacked(self) -> list[str | Path]:
        """Tables of perturbed images of all kinds."""
        return [*self.attacks, *self.witnesses]


def audit(
    files: Files, products: Sequence[str], progress: Callable[[int], None] = lambda done: None
) -> pa.Table:
    """Recheck the ledger's bounds, the certificates, and the tables' records of images.

    Args:
        files: files of the run.
        products: names of the product certificates.
        progress: called with the number of nets that are done.

    Returns:
        A table with `SCHEMA`, a row per net and check that has rows.

    Raises:
        AuditError: a disagreement or a damaged file; names the first.
    """
    ledger = Ledger(files.ledger)
    attacks, certificates = _by_net(files.attacked), _by_net(files.certificates)
    clean = _by_net(files.clean)
    every = dict.fromkeys([*ledger.nets, *attacks, *certificates, *files.weights])
    originals = _originals(files)
    networks = {net: _network(files, net) for net in every}
    _assert_all_in_ledger(files, ledger.nets, networks)
    _assert_weights(files)
    checks: dict[Net, list[Check]] = {}
    for number, net in enumerate(every, 1):
        network, claimed = networks[net], ledger.of(*net)
        certified, failed = radii.read(certificates[net], net)
        checks[net] = [
            *witnesses.check(claimed, attacks[net], originals, network),
            radii.recomputed(certified, failed, products, originals, network),
            radii.order(claimed, certified, failed, attacks[net], originals, net),
            *_recorded(files, net, attacks[net], clean[net], originals, network),
        ]
        progress(number)
    for net, shown in _shown(files, originals, networks).items():
        checks.setdefault(net, []).extend(shown)
    rows = [(net, check) for net, of in checks.items() for check in of]
    found = [_row(net, check) for net, check in rows if check.checked or check.reasons]
    return pa.Table.from_pylist(found, SCHEMA)


def _originals(files: Files) -> dict[Images, Originals]:
    """Return the unaltered images that any table is about, by dataset, seed and file."""
    tables = [files.ledger, *files.attacked, *files.certificates, *files.transfer, *files.pictures]
    columns, indices = ["dataset", "seed", "file", "index"], defaultdict[str | Path, set[int]](set)
    for table in tables:
        for *images, index in distinct(table, columns):
            if (*images,) not in files.images:
                raise AuditError(
                    f"{table}: expected images of the run's datasets, found some of {images[0]} "
                    f"(seed {images[1]}); {AGAIN}"
                )
            indices[files.images[*images]].add(index)
    read = {path: Originals(path, indices[path]) for path in dict.fromkeys(files.images.values())}
    return {images: read[path] for images, path in files.images.items()}


def _assert_all_in_ledger(
    files: Files, claimed: Sequence[Net], networks: recorded.Networks
) -> None:
    """Reject a ledger that lacks an attacked image, or has rows about a stochastic net."""
    drawn = {net for net, network in networks.items() if isinstance(network, ChanceError)}
    for net in drawn:
        if net in claimed:
            raise AuditError(
                f"{files.ledger}: net {net[0]} (seed {net[1]}): expected no row of a "
                "stochastic net, found some; delete the ledger and run the workflow again"
            )
    image = ["net", "seed", "dataset", "file", "index"]
    known = set(distinct(files.ledger, image))
    for path in files.attacked:
        for key in distinct(path, image):
            if key not in known and key[:2] not in drawn:
                net, seed, _, file, index = key
                raise AuditError(
                    f"{path}: net {net} (seed {seed}), image {index} of {file}: expected a row of "
                    "the ledger, found none; delete the ledger and run the workflow again"
                )


def _assert_weights(files: Files) -> None:
    """Reject tables that were made from other weights than the run's."""
    digests: dict[str, str] = {}
    for path in files.weights.values():
        with Path(path).open("rb") as opened:
            digests[str(path)] = hashlib.file_digest(opened, "sha256").hexdigest()
    made = [*files.attacked, *files.certificates, *files.clean, *files.transfer]
    for table in made:
        for path, digest in metadata(table).get("weights", {}).items():
            if digests.get(path, digest) != digest:
                raise AuditError(
                    f"audit: {path}: expected the weights that {table} was made from, with SHA-256 "
                    f"{digest}, found {digests[path]}; {REMEDY}"
                )


def _recorded(
    files: Files,
    net: Net,
    tables: Sequence[str | Path],
    answers: Sequence[str | Path],
    originals: Mapping[Images, Originals],
    network: Network | UnknownError,
) -> list[Check]:
    """Return the checks of one net's recorded answers, summed over tables."""
    length, attacked = Check("length"), Check("attacked")
    for path in tables:
        for total, check in zip(
            (length, attacked), recorded.attacked(path, net, originals, network), strict=True
        ):
            total.add(check)
    clean = Check("clean")
    for path in answers:
        for (dataset,) in distinct(path, ["dataset"]):
            prepared = {file: files.images[dataset, net[1], file] for file in ("train", "test")}
            clean.add(recorded.clean(path, prepared, network))
    return [length, attacked, clean]


def _shown(
    files: Files, originals: Mapping[Images, Originals], networks: recorded.Networks
) -> Mapping[Net, list[Check]]:
    """Return the checks of all experiments' tables of answers, by victim."""
    made: dict[tuple[str, int, str], list[str | Path]] = defaultdict(list)
    for path in files.attacks:
        for key in distinct(path, ["net", "seed", "attack"]):
            made[key].append(path)
    found: dict[Net, list[Check]] = defaultdict(list)
    for path, pictures in zip(files.transfer, files.pictures, strict=True):
        checks = transfer.transfer(path, pictures, made, originals, networks)
        for net, check in checks.items():
            if not found[net]:
                found[net].append(Check("transfer"))
            found[net][0].add(check)
    return found


def _by_net(paths: Sequence[str | Path]) -> dict[Net, list[str | Path]]:
    found: dict[Net, list[str | Path]] = defaultdict(list)
    for path in paths:
        for net in nets(path):
            found[net].append(path)
    return found


def _network(files: Files, net: Net) -> Network | UnknownError:
    if net not in files.weights:
        raise AuditError(
            f"{files.ledger}: net {net[0]} (seed {net[1]}): expected a net of the run, found "
            "another; delete the ledger and run the workflow again"
        )
    try:
        return load(files.weights[net])
    except UnknownError as error:
        return error


def _row(net: Net, check: Check) -> dict[str, object]:
    return {
        "net": net[0],
        "seed": net[1],
        "check": check.name,
        "checked": check.checked,
        "unchecked": check.reasons.total(),
        "reason": "; ".join(check.reasons) or None,
        "discrepancy": check.discrepancy,
    }


class Line(NamedTuple):
    """One check over all nets, for the report: sums of the table's columns."""

    check: str
    asserts: str
    nets: int
    checked: int
    unchecked: int
    reason: str
    discrepancy: float | None


def summary(path: str | Path) -> list[Line]:
    """Return the lines of an audit's table, a line per check."""
    found = []
    every = [dict(zip(SCHEMA.names, row, strict=True)) for row in rows(path, SCHEMA.names)]
    for name, asserts in CHECKS.items():
        of = [row for row in every if row["check"] == name]
        if of:
            found.append(
                Line(
                    name,
                    asserts,
                    len(of),
                    sum(row["checked"] for row in of),
                    sum(row["unchecked"] for row in of),
                    "; ".join(dict.fromkeys(row["reason"] for row in of if row["reason"])),
                    max(
                        (r["discrepancy"] for r in of if r["discrepancy"] is not None), default=None
                    ),
                )
            )
    return found
