"""Small synthetic tables in the form that the workflow's jobs read, for tests to change."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.attacks import table as attacks
from blindspots.files import tables
from blindspots.jobs.ledger import SCHEMA as LEDGER
from blindspots.measurements.gradients import GRADIENTS
from blindspots.measurements.layers import LIPSCHITZ
from blindspots.measurements.looseness import LOOSENESS
from blindspots.measurements.neighbours import NEIGHBOURS
from blindspots.measurements.operators import OPERATORS
from blindspots.measurements.pockets import POCKETS
from blindspots.measurements.sweep import CURVES, RADII
from blindspots.measurements.transfer import TRANSFER, pictures_schema
from blindspots.measurements.units.tables import UNIT_ROTATIONS, UNITS, unit_pictures
from blindspots.threat.answers import CLEAN
from blindspots.threat.outcomes import NO_ANSWER, outcomes

SHAPE = (1, 4, 4)
DIRECTIONS = ("closest", "noise", "noise in the box", "other image")
HISTORY = pa.schema(
    [
        ("net", pa.string()), ("seed", pa.int32()), ("iteration", pa.int32()),
        ("status", pa.string()), ("loss", pa.float64()), ("error", pa.float64()),
        ("seconds", pa.float64()),
    ]
)  # fmt: skip
SCHEMAS = {
    "split": pa.schema([*map(CLEAN.field, ("seed", "dataset", "file", "index")),
                        ("subset", pa.string())]),
    "clean": CLEAN, "attacks": attacks.schema(SHAPE), "transfer": TRANSFER,
    "pictures": pictures_schema(SHAPE), "radii": RADII, "curves": CURVES,
    "gradients": GRADIENTS, "looseness": LOOSENESS, "neighbours": NEIGHBOURS, "pockets": POCKETS,
    "lipschitz": LIPSCHITZ, "ledger": LEDGER, "history": HISTORY,
    "units": UNITS, "unit_rotations": UNIT_ROTATIONS,
    "unit_pictures": unit_pictures(tables.image_field(SHAPE)),
    "operators": OPERATORS,
}  # fmt: skip

ATTACKED = ("label", "success", "eps", "index")
"""Columns that a trainer reads beside the image."""


class Named(dict):
    """The inputs or params of a job, as Snakemake has them."""

    __getattr__ = dict.__getitem__


def rows(nets=("A", "B"), n=6, seeds=(0, 1), wrong=1, fooled=lambda index: True, controls=True):
    """Rows by table, as dicts: n images of label 1, of which each net gets `wrong` wrong.

    Attacks, for any wrong class, succeed at distance 0 on images that are wrong already, and on
    those in `fooled`; their images fool every net, noise none.
    """
    images = [{"dataset": "D", "file": "test", "index": i, "label": 1} for i in range(n)]
    keys = list(itertools.product(nets, seeds, images))
    found = {name: [] for name in SCHEMAS}
    for seed, image in itertools.product(seeds, images):
        found["split"].append(image | {"seed": seed, "subset": "test"})
        for other in (0, 2):
            near = {"other": other, "neighbour": 7, "distance": 0.3 + other / 10}
            found["neighbours"].append(image | near | {"experiment": "e", "seed": seed})
    for net, seed, image in keys:
        index, before = image["index"], 2 if image["index"] < wrong else 1
        ok = before != 1 or fooled(index)
        length = (0.1 if before == 1 else 0.0) if ok else None
        after = 2 if ok else 1
        whole = image | {"net": net, "seed": seed}
        found["clean"].append(whole | {"prediction": before, "margin": 3.0 - 2 * before})
        found["attacks"].append(
            whole | {
                "attack": "closest", "norm": "l2", "eps": None, "target": None,
                "prediction": before, "success": ok,
                "attacked_prediction": after, "status": "CONVERGED" if ok else "NO_SUCCESS",
                "distortion": length, "l2": length, "linf": length, "penalty": None,
                "l0": length and 1, "l0_features": length and 1, "l1": length,
                "mistaken": after != 1, "certain": True, "inside": True,
                "forwards": 9, "backwards": 8,
            }
        )  # fmt: skip
        bounds = {"norm": "l2", "goal": "any", "target": None, "attack": "closest" if ok else None}
        lower = {"lower": 0.02 if before == 1 else 0.0, "certificate": "product"}
        found["ledger"].append(whole | bounds | lower | {"upper": length})
        made = [(net, "closest", None), (net, "closest", 0.3), (None, "noise", None)]
        for source, attack, scale in made[: 3 if controls and net == nets[0] else 2]:
            origin = image | {
                "source": source,
                "attack": attack,
                "eps": None,
                "amplified_to": scale,
            }
            origin |= {"seed": seed}
            found["pictures"].append(origin)
            success, far = (True, 0.2) if source is None else (ok, scale if length else length)
            far = length if scale is None and source else far
            for victim in nets:
                answer = before if source is None else after
                found["transfer"].append(
                    origin | {
                        "experiment": "e", "victim": victim, "victim_seed": seed,
                        "prediction": answer, "margin": 3.0 - 2 * answer, "success": success,
                        "distortion": far, "before": before if source else None,
                    }
                )  # fmt: skip
        for multiple in (1, 4):
            of = {"directions": 20, "fooled": multiple, "low": 0.01, "high": 0.3}
            none = {"directions": 0, "fooled": 0, "low": None, "high": None}
            found["pockets"].append(
                image | (of if length else none) | {
                    "experiment": "e", "source": net, "attack": "closest", "eps": None,
                    "seed": seed, "outcome": "RIGHT" if before == 1 else "WRONG", "success": ok,
                    "multiple": multiple, "length": length and multiple * length,
                    "clipped": False, "inside": 0, "rejected": 0,
                }
            )  # fmt: skip
        for victim in nets:
            found["radii"].append(
                whole | {
                    "experiment": "e", "source": net, "attack": "closest", "eps": None,
                    "victim": victim, "success": ok, "radius": length,
                    "noise_fooled": 0 if ok else None, "noise_rejected": 0 if ok else None,
                    "noise_draws": 4, "noise_in_box_fooled": 0 if ok else None,
                    "noise_in_box_rejected": 0 if ok else None, "noise_in_box_draws": 3,
                }
            )  # fmt: skip
    for net, seed, other in itertools.product(nets, seeds, nets):
        pair = {"source": net, "victim": other, "seed": seed}
        found["gradients"].append(
            pair | {"cosine": 0.5, "compared": n, "victim_gradient": 2.0, "n": n}
        )
        for direction, at in itertools.product(DIRECTIONS, (0.1, 0.2)):
            line = pair | {
                "direction": direction,
                "distortion": at,
                "wrong": n / 2,
                "rejected": 0,
                "n": n,
            }
            found["curves"].append(line | {"source": net if direction == "closest" else None})
    for net, seed in itertools.product(nets, seeds):
        of = {"net": net, "seed": seed}
        found["lipschitz"].append(
            of | {"layer": "1", "kind": "Linear", "inputs": 16, "outputs": 3, "bound": 2.0,
                  "product": 2.0}
        )  # fmt: skip
        for side, method, value in (("lower", "ascent", 1.0), ("upper", "product", 2.0)):
            found["looseness"].append(
                of | {"side": side, "method": method, "value": value, "reason": None, "n": n}
            )
        found["history"].append(
            of | {"iteration": 9, "status": "CONVERGED", "loss": 0.1, "error": 0.0, "seconds": 1.0}
        )
        layer = of | {"trained": True, "layer": "1", "scaling": "matched", "measure": "purity"}
        for arm, i in itertools.product(("units", "rotation"), (0, 1)):
            found["units"].append(
                layer | {"kind": "Linear", "place": "before", "arm": arm, "direction": i,
                         "value": 0.5 + i, "reason": None, "n": n}
            )  # fmt: skip
            drawn = {"kind": "Linear", "arm": arm, "direction": i, "rank": 0, "score": 1.0}
            found["unit_pictures"].append(layer | drawn | images[0])
        found["unit_rotations"] += [layer | {"rotation": i, "value": 0.4 + i / 9} for i in (0, 1)]
    found["operators"].append(
        {"network": "N", "origin": "theirs", "layer": "0", "weights": "3 × 3", "inputs": 9,
         "outputs": 9, "value": 1.0, "upper": 1.1, "fourier": None, "printed": None, "frame": None}
    )  # fmt: skip
    return found


def validation(found):
    """Return the same rows with the test images as validation images."""
    for row in found["split"]:
        row["subset"] = "validation"
    return found


def judged(rows):
    """Fill in columns that follow from the answers in rows, a frame or dicts."""
    frame = pd.DataFrame(rows).drop(columns="before", errors="ignore")
    given = pd.Series([row.get("before") for row in pd.DataFrame(rows).to_dict("records")])
    named = (("prediction", "outcome"), ("attacked_prediction", "attacked_outcome"))
    for answer, outcome in named:
        if answer in frame:
            frame[outcome] = _outcomes(frame[answer], frame["label"])
    if "source" in frame:
        if given.isna().all():  # images at distance 0 were wrong unaltered
            given = np.where(frame["distortion"] == 0, frame["label"] + 1, frame["label"])
        before = _outcomes(pd.Series(given), frame["label"])
        frame["source_outcome"] = np.where(frame["source"].isna(), None, before)
    if "status" not in frame and "prediction" in frame:
        frame["status"] = np.where(frame["prediction"].isna(), "NON_FINITE", "ANSWERED")
    if "net" in frame and "attacked_prediction" not in frame and "probabilities" not in frame:
        frame["probabilities"] = False
    return frame


def judging(analysis):
    """Wrap an analysis so that outcomes are filled in from the answers in a test's frames."""

    def judge(frame):
        has_answers = isinstance(frame, pd.DataFrame) and "prediction" in frame and len(frame)
        return judged(frame.reset_index(drop=True)) if has_answers else frame

    return lambda *frames, **settings: analysis(*map(judge, frames), **settings)


def _outcomes(answers, labels):
    known = pd.Series(answers).astype("Float64").fillna(NO_ANSWER).to_numpy(int)
    return outcomes(known, np.asarray(labels, int))


def frames(folder, found):
    """Write the tables to files, and read them as jobs do."""
    read = {}
    for name in ("clean", "transfer", "attacks"):
        if found[name]:
            found[name] = (
                judged(found[name]).astype(object).replace({np.nan: None}).to_dict("records")
            )
    for name, schema in SCHEMAS.items():
        columns = {
            field.name: np.full((len(found[name]), *SHAPE), 0.5)
            if isinstance(field.type, pa.FixedShapeTensorType)
            else [row.get(field.name) for row in found[name]]
            for field in schema
        }
        tables.write(folder / f"{name}.parquet", tables.build(columns, schema), {})
        with_images = name in ("pictures", "unit_pictures")
        read[name] = tables.frame([folder / f"{name}.parquet"], with_images=with_images)
    return read


def write_attacked(path, pixels, success=True, **options):
    """Write a table of attacked images as trainers read it; the last image has row 0."""
    n = np.arange(len(pixels))
    image = tables.image_field(pixels.shape[1:])
    schema = pa.schema([image, *map(attacks.schema(SHAPE).field, ATTACKED)])
    columns = {
        "image": pixels, "label": n % 3, "success": success, "eps": None, "index": n[::-1],
    }  # fmt: skip
    tables.write(path, tables.build(columns, schema), {}, **options)
    return path
