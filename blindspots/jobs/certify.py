"""Certify images for one net by one certificate, a chunk at a time, and write its table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from torch import nn

from blindspots.certificates import table
from blindspots.certificates.contract import call
from blindspots.config import methods
from blindspots.files import images, tables, weights
from blindspots.files.images import Images
from blindspots.files.parquet import writing
from blindspots.interface import CertificateResult, InputError, UnsupportedError
from blindspots.jobs.chunks import forget, resumable
from blindspots.jobs.job import own_models, progress, provenance, resume_key
from blindspots.threat.answers import answers
from blindspots.threat.chance import seeded


def certify(snakemake) -> None:
    """Write the table of a certificate for a net, on the images that experiments show the net."""
    certificate, wildcards = snakemake.params.certificate, snakemake.wildcards
    given, machine = snakemake.input, snakemake.config["machine"]
    model = weights.load(given.weights, own=own_models(snakemake))
    where = f"certificates.{wildcards.certificate}, net {wildcards.net}"
    same = {"net": wildcards.net, "seed": int(wildcards.seed)}
    same["certificate"] = wildcards.certificate
    done = []
    with writing(snakemake.output[0], table.SCHEMA, provenance(snakemake)) as append:
        for of, prepared, split in zip(
            snakemake.params.images, given.images, given.splits, strict=True
        ):
            data = images.read(prepared, split, of["part"], of["n"]).first(certificate["n"])
            one = data.first(1)
            if answers(model, one.images, one.labels, data.classes, 1) is None:
                raise InputError(
                    f"net {wildcards.net}: expected a net that classifies, with logits "
                    "(n, classes), found another shape; leave it out of the experiments"
                )

            def make(part: Images) -> pa.Table:
                purpose = f"certify {wildcards.certificate} {part.rows[0]}"
                with seeded(same["seed"], purpose):  # so that draws do not depend on other chunks
                    columns = certified(where, certificate, model, part)
                return tables.build(same | columns, table.SCHEMA)

            chunk = len(data) if certificate["whole"] else machine["chunk"]
            key = certificate_key(snakemake, prepared, split)
            ending = f".{data.dataset}.{of['part']}.parquet"
            done.append(Path(snakemake.output[0]).with_suffix(ending))
            with progress(f"{wildcards.certificate} of {wildcards.net}", "images", len(data)) as p:
                for rows in resumable(
                    done[-1], key, data, chunk, make,
                    every=machine["checkpoint_seconds"], progress=p,
                ):  # fmt: skip
                    append(rows)
    for output in done:
        forget(output)


def certificate_key(snakemake, prepared: str | Path, split: str | Path) -> str:
    """Return the `resume_key` of a certificate's job for the images of one dataset."""
    files = [split, snakemake.input.weights]
    return resume_key(snakemake, "cpu", files, shown=images.described(prepared))


def certified(
    where: str, certificate: Mapping[str, Any], model: nn.Module, data: Images
) -> dict[str, Any]:
    """Return the table's columns; if the certificate does not support the net, with the reason.

    Args:
        where: the certificate's key in the config and the net, for messages.
        certificate: `method`, `settings`, `norm`, `box`, `required`.
        model: maps images to logits.
        data: images to certify.

    Raises:
        InputError: an error of the certificate; or an unsupported net although it is `required`.
    """
    method: Callable[..., CertificateResult] = methods.find("certificates", certificate["method"])
    settings = certificate["settings"]
    said = {"norm": certificate["norm"], "eps": settings.get("eps"), "box": certificate["box"]}
    said |= {"target": None, "region": None, "dataset": data.dataset, "file": data.file}
    said |= {"index": data.rows, "label": data.labels.cpu().numpy()}
    try:
        return said | table.columns(call(method, model, data, settings))
    except UnsupportedError as error:
        if certificate["required"]:
            key = where.partition(",")[0]
            remedy = f"or take it out of {key}.nets, or remove {key}.required"
            raise InputError(f"{where}: {error}; {remedy}") from None
        print(f"{where}: left out: {error}", file=sys.stderr)
        return said | table.left_out(str(error))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
