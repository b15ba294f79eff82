"""Certify the images of one net by one certificate, a chunk at a time, into its table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from torch import nn

from blindspots.certificates import table
from blindspots.certificates.contract import call
from blindspots.config import methods
from blindspots.files import images, tables, weights
from blindspots.files.images import Images
from blindspots.interface import CertificateResult, InputError, UnsupportedError
from blindspots.jobs.job import own_models, progress, provenance
from blindspots.threat.answers import answers


def certify(snakemake) -> None:
    """Write the table of a certificate for the images that the experiments use of a net."""
    certificate, wildcards = snakemake.params.certificate, snakemake.wildcards
    model = weights.load(snakemake.input.weights, own=own_models(snakemake))
    found = [table.SCHEMA.empty_table()]
    for part, n in snakemake.params.images.items():
        prepared = snakemake.input[images.file_of(part)]
        data = images.read(prepared, snakemake.input.split, part, n)
        data = data.first(certificate["n"] or len(data.rows))
        if answers(model, data.images[:1], data.labels[:1], data.classes, 1) is None:
            raise InputError(
                f"net {wildcards.net}: expected a net that classifies, with logits (n, classes), "
                "found other answers; leave it out of the experiments"
            )
        with progress(f"{wildcards.certificate} of {wildcards.net}", "images", len(data.rows)) as p:
            rows = certified(
                f"certificates.{wildcards.certificate}, net {wildcards.net}", certificate, model,
                data, snakemake.config["machine"]["chunk"], p,
            )  # fmt: skip
        found += [
            tables.build(
                one | {
                    "net": wildcards.net, "seed": int(wildcards.seed),
                    "certificate": wildcards.certificate,
                },
                table.SCHEMA,
            )
            for one in rows
        ]  # fmt: skip
    tables.write(snakemake.output[0], pa.concat_tables(found), provenance(snakemake))


def certified(
    where: str,
    certificate: Mapping[str, Any],
    model: nn.Module,
    data: Images,
    chunk: int,
    show: Callable[[int], None],
) -> list[dict[str, Any]]:
    """Columns of the table, chunk by chunk; of a net that the method does not take, why.

    Args:
        where: the certificate's key in the config and the net, for messages.
        certificate: `method`, `settings`, `norm`, `box`, `whole`, `required`.
        model: images to logits.
        data: what is certified.
        chunk: images at a time.
        show: called with the images that are done.

    Raises:
        InputError: what the certificate raises; a net that it does not take where it is required.
    """
    method: Callable[..., CertificateResult] = methods.find("certificates", certificate["method"])
    settings, found = certificate["settings"], []
    said = {"norm": certificate["norm"], "eps": settings.get("eps"), "box": certificate["box"]}
    said |= {"target": None, "region": None}
    done = 0
    for part in data.chunks(len(data.rows) if certificate["whole"] else chunk):
        rows = {"file": part.file, "index": part.rows, "label": part.labels.cpu().numpy()}
        try:
            columns = table.columns(call(method, model, part, settings))
        except UnsupportedError as error:
            if certificate["required"]:
                remedy = f"or leave the net out of {where.partition(',')[0]}.nets"
                raise InputError(f"{where}: {error}; {remedy}") from None
            print(f"{where}: left out: {error}", file=sys.stderr)
            columns = table.left_out(str(error))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        found.append(said | rows | columns)
        done += len(part.rows)
        show(done)
    return found
