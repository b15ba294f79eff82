"""Witnesses among images made for other networks: on a half-space the truth is known."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from blindspots.attacks.table import schema
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import Box
from blindspots.jobs import ledger
from blindspots.measurements import sweep, transfer
from blindspots.measurements import witnesses as module
from blindspots.measurements.exhibits import Exhibit
from blindspots.measurements.witnesses import NEARER, Witnesses

BOX = Box(0.0, 1.0)
IMAGES = torch.tensor([[0.5, 0.5], [0.2, 0.9], [0.45, 0.1], [0.9, 0.5]]).view(4, 1, 1, 2)
SHOWN = {"experiment": "e", "seed": 0, "chunk": 3}


def half_space(images):
    """A model with answer 1 if the first pixel is above 0.6, otherwise 0."""
    beyond = images.flatten(1)[:, 0] - 0.6
    return torch.stack([5 - beyond, 5 + beyond], dim=1)


@pytest.fixture
def data():
    """Images of class 0; the model gets the last one wrong."""
    return Images(IMAGES, torch.zeros(4, dtype=torch.int64), np.arange(7, 11), "test", 2, BOX, "D")


def exhibit(data, images, source="B", attack="lbfgs", amplified_to=None, success=True):
    change = (images.double() - data.images.double()).flatten(1)
    distortion = change.square().mean(dim=1).sqrt().numpy()
    reached = np.full(len(images), success)
    return Exhibit(source, attack, None, amplified_to, data, images, reached, distortion)


def moved(data, by):
    """Return the images with another first pixel."""
    images = data.images.clone()
    images[..., 0] += torch.tensor(by, dtype=images.dtype).view(-1, 1, 1)
    return images


def kept(data, *exhibits):
    witnesses = Witnesses("A", 0, data)
    victim = transfer.Victim("A", 0, half_space)
    for each in exhibits:
        list(transfer.exposed(each, victim, witnesses=witnesses, **SHOWN))
    table = pa.concat_tables(witnesses.tables(half_space, 3))
    assert table.schema.equals(schema((1, 1, 2)))
    return table.to_pandas(types_mapper={tables.pa.int16(): pd.Int16Dtype()}.get).set_index("index")


def test_the_nearest_image_inside_the_box_that_the_net_gets_wrong_is_kept(data):
    far = exhibit(data, moved(data, [0.4, 0.45, 0.5, 0.05]), amplified_to=0.3)
    near = exhibit(data, moved(data, [0.2, 0.3, 0.3, 0.05]))
    noise = exhibit(data, moved(data, [0.3, 0.42, 0.0, 0.05]), None, "noise")
    rows = kept(data, far, near, noise)
    assert rows["attack"].to_dict() == {
        7: "lbfgs of B", 8: "noise", 9: "lbfgs of B",
    }  # fmt: skip
    assert rows["l2"].tolist() == pytest.approx([0.2, 0.42, 0.3], rel=1e-5)
    assert rows["success"].all()
    assert set(rows["attacked_prediction"]) == {1}
    assert (rows["prediction"] == 0).all()  # the last is wrong unaltered: its own witness
    assert (rows["net"] == "A").all()
    assert rows["target"].isna().all()


def test_what_the_own_attack_found_as_near_is_not_kept_twice(data):
    own = exhibit(data, moved(data, [0.11, 0.41, 0.16, 0.0]), "A")
    other = exhibit(data, moved(data, [0.1099, 0.41 * NEARER - 1e-3, 0.3, 0.0]))
    assert kept(data, own, other).index.tolist() == [8]
    assert kept(data, other, own).index.tolist() == [8]
    failed = exhibit(data, data.images, "A", success=False)
    assert kept(data, failed, other).index.tolist() == [7, 8, 9]


def test_a_tie_is_no_mistake_and_a_failed_image_no_witness(data):
    tie = exhibit(data, moved(data, [0.1 + 1e-7, 0.4 + 1e-7, 0.15, 0.0]))
    assert len(kept(data, tie)) == 0


def test_an_image_outside_the_box_is_evidence_and_no_witness(data):
    outside = moved(data, [0.2, 0.45, 0.3, 0.0])
    outside[:, ..., 1] = 1.01
    rows = kept(data, exhibit(data, outside), exhibit(data, moved(data, [0.12, 0.5, 0.5, 0.0])))
    assert rows.loc[7, "attack"] == "lbfgs of B"
    of = rows.groupby(level=0)["success"].apply(list).to_dict()
    assert of == {7: [True], 8: [True, False], 9: [True]}


def test_only_images_that_the_net_gets_wrong_are_measured(data, monkeypatch):
    seen, measure = [], module.lengths
    monkeypatch.setattr(
        module, "lengths", lambda change: seen.append(len(change)) or measure(change)
    )
    witnesses = Witnesses("A", 0, data)
    seen.clear()
    images = moved(data, [0.3, 0.0, 0.3, 0.05])
    for wrong in (np.zeros(4, bool), np.array([True, False, True, False])):
        witnesses.know(exhibit(data, images, "A"), wrong)
        witnesses.show("lbfgs of B", exhibit(data, images), wrong)
    assert seen == [0, 0, 2, 2]
    assert witnesses.own["l2"] == pytest.approx([0.3, np.inf, 0.3, np.inf], rel=1e-5)
    assert witnesses.inside.length["l2"] == pytest.approx([0.3, np.inf, 0.3, np.inf], rel=1e-5)


def radius(index, value):
    place = {"net": "A", "seed": 0, "dataset": "D", "file": "test", "index": index}
    return pd.DataFrame([place | {"certificate": "theirs", "radius": value}])


class Unaltered:
    shape = (1, 1, 2)

    def reach(self, index):
        images = IMAGES.double().numpy()[index - 7]
        return np.maximum(images, 1 - images)


@pytest.mark.parametrize("top", [0.5, 1.5])
def test_a_certificate_above_one_of_them_ends_the_run(data, top):
    images = moved(data, [0.2, 0.0, 0.0, 0.0])
    images[0, ..., 1] = top  # inside the box, or outside
    length = float((images - data.images)[0].double().norm())
    rows = kept(data, exhibit(data, images)).reset_index()
    clean = pd.DataFrame(
        [{"net": "A", "seed": 0, "dataset": "D", "file": "test", "index": 7, "label": 0}]
    )
    clean = clean.assign(prediction=0, outcome="RIGHT")
    given = clean, {("D", 0, "test"): Unaltered()}
    built = ledger.build(rows, radius(7, 0.99 * length), *given).set_index(["index", "norm"])
    upper = built.loc[(7, "l2"), "upper"]
    assert upper == pytest.approx(length) if top < 1 else pd.isna(upper)
    with pytest.raises(ledger.LedgerError, match=f"image 7 of test: .* above {length:.9g} "):
        ledger.build(rows, radius(7, 1.01 * length), *given)


def test_a_direction_that_is_scaled_leaves_a_witness_just_beyond_the_radius(data):
    away = exhibit(data, moved(data, [0.4, 0.7, 0.5, 0.05]), "B")
    own = exhibit(data, moved(data, [0.3, 0.402, 0.16, 0.0]), "A")
    settings = sweep.Settings("e", [0.05, 0.2, 0.3, 0.5], draws=1, seed=0, chunk=3)
    parts = sweep.swept(data, [away, own], {"A": half_space}, settings)
    table = pa.concat_tables(part["witnesses"] for part in parts if "witnesses" in part)
    rows = table.to_pandas().set_index("index")
    # Along the first pixel the half-space begins 0.1, 0.4 and 0.15 from the images.
    assert rows["l2"].to_dict() == pytest.approx({7: 0.1, 9: 0.15}, rel=3e-3)
    assert (rows["l2"] > [0.1, 0.15]).all()
    assert rows["attack"].str.endswith(", scaled").all()


def test_an_image_may_be_the_nearest_in_one_norm_alone_and_is_kept_once(data):
    """From (0.2, 0.9) the class begins at 0.6; an irrelevant pixel adds to L0 and L1."""
    one, both = (moved(data, [0.3, 0.45, 0.3, 0.05]), moved(data, [0.2, 0.42, 0.25, 0.05]))
    both[1, ..., 1] -= 0.12
    rows = kept(data, exhibit(data, one), exhibit(data, both, attack="other"))
    assert rows.loc[8, "attack"].tolist() == ["lbfgs of B", "other of B"]
    assert rows.loc[8, "l0"].tolist() == [1, 2]
    assert rows.loc[8, "l1"].tolist() == pytest.approx([0.45, 0.54], rel=1e-5)
    assert rows.loc[8, "l2"].tolist() == pytest.approx([0.45, np.hypot(0.42, 0.12)], rel=1e-5)
    assert rows.loc[8, "linf"].tolist() == pytest.approx([0.45, 0.42], rel=1e-5)
    assert rows.loc[7, "attack"] == "other of B"  # nearer in all norms
