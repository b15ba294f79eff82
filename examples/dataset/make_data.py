"""Stands in for your images: writes scikit-learn's digits to data/ in three forms."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

digits = load_digits()
pixels = np.round(digits.images * 255 / 16).astype(np.uint8)
labels = digits.target
train, test = train_test_split(np.arange(len(labels)), random_state=0)
rows = {"train": train, "test": test}

for part, chosen in rows.items():
    encoded = []
    for row in chosen:
        folder = Path("data/images", part, f"{labels[row]}-{WORDS[labels[row]]}")
        folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        Image.fromarray(pixels[row]).save(buffer, "PNG")
        (folder / f"{row:04}.png").write_bytes(buffer.getvalue())
        encoded.append({"bytes": buffer.getvalue(), "path": f"{row:04}.png"})
    table = pa.table({"image": encoded, "label": labels[chosen]})
    classes = {"label": {"names": WORDS, "_type": "ClassLabel"}}  # as Hugging Face's datasets write
    table = table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": classes}})}
    )
    half = len(chosen) // 2
    for shard, (start, length) in enumerate([(0, half), (half, len(chosen) - half)]):
        pq.write_table(table.slice(start, length), f"data/{part}-0000{shard}-of-00002.parquet")

np.savez_compressed(
    "data/digits.npz",
    x_train=pixels[rows["train"]],
    y_train=labels[rows["train"]],
    x_test=pixels[rows["test"]],
    y_test=labels[rows["test"]],
)
