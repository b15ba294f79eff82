"""A page of a synthetic run: files as the workflow writes them, with names that need escaping."""

import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd

from blindspots.analyses import kit
from blindspots.audit.run import SCHEMA as SCHEMA_OF_AUDIT
from blindspots.config.check import check
from blindspots.files import tables
from blindspots.measurements.transfer import TRANSFER, pictures_schema
from blindspots.report import page
from blindspots.threat.answers import CLEAN
from tests.configs import SCHEMA, full
from tests.conftest import ROOT

HOSTILE = """<b>"it's"</b></script><script>alert('no')</script>"""
"""Difficult text for a label or a title."""

NETS = ("FC10-1e-4", "AE32-10")
IMAGES = 14
PLAIN = tables.pa.schema([("x", tables.pa.int64())])
AUDIT = [
    {
        "net": net, "seed": 0, "check": "answer", "checked": 7, "unchecked": 2,
        "reason": "model <theirs> is not known", "discrepancy": None,
    } for net in ("A", "B")
]  # fmt: skip
IMAGES_OF_SPLIT = {
    "P1": 7, "P2": 8, "duplicates within test": 0, "left out as duplicates": 3, "test": 5,
    "train": 16, "validation": 2,
}  # fmt: skip
SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/"
width="90" height="40"><metadata><dc:description>A curve &lt;up&gt;.</dc:description></metadata>
</svg>"""


def summary():
    return pd.DataFrame(
        {
            "row": ["A", "A", "B"], "row_label": ["net <A>", "net <A>", "net B"],
            "column": ["A", "distortion", "A"], "column_label": ["A & co", "distortion", "A & co"],
            "value": [100.0, 0.0625, 12.34], "unit": ["% error", "RMS per pixel", "% error"],
            "n": 256, "networks": [1, 1, 3], "paper": [100.0, 0.062, None],
            "low": [98.5, None, 3.21], "high": [100.0, None, 21.0],
            "interval": ["wilson", None, "student"], "text": None, "reason": None,
        }
    )  # fmt: skip


def large():
    """Ten rows whose order by value differs from their own order and from that of their texts."""
    values = [3.0, 20.0, 100.0, 1.0, 0.5, 7.0, 11.0, 2.0, 50.0, None]
    rows = [f"{HOSTILE} {place}" for place in range(len(values))]
    return pd.DataFrame(
        {
            "row": rows, "row_label": rows, "column": "error", "column_label": "error",
            "value": values, "unit": "% error", "n": 9, "networks": 1, "paper": None, "low": None,
            "high": None, "interval": None, "text": None,
            "reason": [None] * 9 + ["no attack succeeded"],
        }
    )  # fmt: skip


def wide():
    """More columns than a phone can show."""
    return pd.concat(
        summary().iloc[[0]].assign(column=f"c{i}", column_label=f"a long heading {i}")
        for i in range(16)
    )


SUMMARIES = {"t": summary, "large": large, "wide": wide}


def checked(**changes):
    raw = full("presets/digits.yaml")
    experiment = raw["experiments"]["cross-model"]
    experiment |= {"sources": list(NETS), "victims": list(NETS), "controls": ["gaussian-0.1"]}
    raw["nets"]["AE32-10"]["label"] = HOSTILE
    raw["experiments"] = {"cross-model": experiment}
    raw["seeds"] = [0, 3]
    table = {"method": "errors", "experiment": "cross-model", "parts": ["test"]}
    titles = {"t": "T <1>", "large": HOSTILE, "wide": "Wide"}
    raw["claims"] = None
    raw["tables"] = {name: table | {"title": title} for name, title in titles.items()}
    raw["figures"] = {"examples": raw["figures"]["distortions"] | {"title": 'F "1"'}}
    return check(raw | changes, SCHEMA)


def pictures(rng):
    """Rows of a table of pictures: both seeds, two sources and a control, one of them amplified."""
    origins = [(NETS[0], "lbfgs", None), (NETS[1], "lbfgs", None), (NETS[1], "lbfgs", 0.2),
               (None, "gaussian-0.1", None)]  # fmt: skip
    keys = list(itertools.product((0, 3), origins, range(IMAGES)))
    originals = np.tile(rng.random((IMAGES, 1, 8, 8)), (8, 1, 1, 1))
    moved = np.clip(originals + rng.normal(0, 0.1, originals.shape), 0, 1)
    source, attack, amplified_to = zip(*(origin for _, origin, _ in keys), strict=True)
    columns = {
        "source": source, "attack": attack, "eps": None, "amplified_to": amplified_to,
        "seed": [seed for seed, *_ in keys], "dataset": "D", "file": "train",
        "index": [100 + place for *_, place in keys], "label": [place % 10 for *_, place in keys],
        "original": originals, "image": moved,
    }  # fmt: skip
    return tables.build(columns, pictures_schema((1, 8, 8)))


def answers(rng, shown):
    """Rows of transfer, every victim on every picture, and of the victims' answers before."""
    rows = [
        row | {
            "experiment": "cross-model", "victim": victim, "victim_seed": row["seed"],
            "prediction": int(rng.integers(10)), "margin": float(rng.normal()), "success": True,
            "distortion": 0.1, "source_outcome": row["source"] and "RIGHT", "status": "ANSWERED",
            "confidence": 0.5,
        } for row in shown.drop_columns(["original", "image"]).to_pylist() for victim in NETS
    ]  # fmt: skip
    clean = [
        {
            "net": net, "seed": 0, "dataset": "D", "file": "train", "index": 100 + place,
            "label": place % 10, "prediction": place % 10, "margin": float(rng.random()),
            "outcome": "RIGHT", "status": "ANSWERED", "confidence": 0.5, "probabilities": False,
        } for net in NETS for place in range(IMAGES)
    ]  # fmt: skip
    for row in rows:
        row["outcome"] = "RIGHT" if row["prediction"] == row["label"] else "WRONG"
    return tables.pa.Table.from_pylist(rows, TRANSFER), tables.pa.Table.from_pylist(clean, CLEAN)


def files(folder, names, classes=None):
    """The arguments of `render` for a page of the config `checked`."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        table = tables.from_frame(SUMMARIES[name](), kit.SCHEMA)
        tables.write(folder / f"{name}.parquet", table, {"title": "t", "commit": "abc"})
        os.utime(folder / f"{name}.parquet", (0, 86400 * 365.25 * 43))
    shown = pictures(rng)
    transfer, clean = answers(rng, shown)
    audit = tables.pa.Table.from_pylist(AUDIT, SCHEMA_OF_AUDIT)
    split = tables.build({"x": [1]}, PLAIN)
    of_split = {"names": classes} if classes else {}
    for name, table, metadata in (
        ("pictures", shown, {}), ("transfer", transfer, {}), ("clean", clean, {}),
        ("audit", audit, {}), ("split", split, {"images": IMAGES_OF_SPLIT} | of_split),
    ):  # fmt: skip
        tables.write(folder / f"{name}.parquet", table, metadata)
    (folder / "figure.svg").write_text(SVG, "utf-8")


def rendered(folder: Path, classes=None, **changes):
    """Return the page's text, made from files in a folder of their own."""
    settings = checked(**changes)
    names = [name for name in settings["tables"] if name in SUMMARIES]
    files(folder, names, classes)
    of = settings["experiments"]
    known = "cross-model" in of
    return page.render(
        ROOT / "reports/report.html.j2",
        config=settings,
        summaries=[folder / f"{name}.parquet" for name in names],
        figures=dict.fromkeys(settings["figures"], folder / "figure.svg"),
        splits=[folder / "split.parquet"],
        audit=folder / "audit.parquet",
        pictures={"cross-model": folder / "pictures.parquet"} if known else {},
        transfer={"cross-model": folder / "transfer.parquet"} if known else {},
        clean=[folder / "clean.parquet"],
    )
