"""The audit measures recorded images and repeats recorded answers, and finds edits."""

import hashlib
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from blindspots import datasets
from blindspots.attacks import closest
from blindspots.attacks import table as attacks
from blindspots.audit.checks import Check
from blindspots.audit.files import AuditError, Originals
from blindspots.audit.networks import Network, linear
from blindspots.audit.recorded import assert_answers
from blindspots.audit.run import Files, _network, _shown, audit
from blindspots.audit.transfer import transfer as recheck
from blindspots.certificates import table as certificates
from blindspots.datasets import table as prepared
from blindspots.families import minimal
from blindspots.files import tables, weights
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, Part
from blindspots.jobs import ledger
from blindspots.jobs.attacking import attack_all
from blindspots.jobs.lower_bounds import Prepared
from blindspots.measurements import exhibits, transfer
from blindspots.measurements.witnesses import Witnesses
from blindspots.threat.answers import CLEAN, answers

N = 12
NETS = ("A", "B")


class Run:
    """The files of a run of two nets, of which the first is attacked."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return self.folder / name

    @property
    def files(self):
        return Files(
            ledger=self.path("ledger.parquet"),
            attacks=[self.path("attack.parquet")],
            witnesses=[self.path("witnesses.parquet")],
            certificates=[],
            weights={(net, 0): self.path(f"{net}.safetensors") for net in NETS},
            images={("D", 0, f): self.path(f"{f}.parquet") for f in ("train", "test")},
            clean=[self.path(f"clean{net}.parquet") for net in NETS],
            transfer=[self.path("transfer.parquet")],
            pictures=[self.path("pictures.parquet")],
        )

    def audit(self):
        return audit(self.files, []).to_pandas().set_index(["net", "check"])

    def change(self, name, at, **values):
        """Write other values into a row, as if by hand, and keep the file's metadata."""
        path = self.path(name)
        table = tables.read(path)
        for column, value in values.items():
            place = table.schema.get_field_index(column)
            field = table.schema.field(column)
            if isinstance(field.type, pa.FixedShapeTensorType):
                images = tables.images(table, column).copy()
                images[at].flat[20] = value
                made = pa.FixedShapeTensorArray.from_numpy_ndarray(images)
            else:
                rows = table[column].to_pylist()
                rows[at] = value(rows[at]) if callable(value) else value
                made = pa.array(rows, field.type)
            table = table.set_column(place, field, made)
        tables.write(path, table.replace_schema_metadata(), tables.metadata(tables.schema_of(path)))


CLIPPED = "gaussian", {"std": 0.2}


def shown(run, data, nets, control=CLIPPED):
    """Attack A and show its images and a control's to both, in the workflow's tables."""
    columns = attack_all(
        closest, nets["A"], data, others=data, target="any", seed=0, chunk=N, settings={}
    )
    named = {"net": "A", "seed": 0, "attack": "closest", "dataset": "D", "file": "test"}
    attack = tables.build(columns | named, attacks.schema((1, 8, 8)))
    digest = hashlib.sha256(run.path("A.safetensors").read_bytes()).hexdigest()
    made_from = {"weights": {str(run.path("A.safetensors")): digest}}
    tables.write(run.path("attack.parquet"), attack, made_from)
    made = [
        *exhibits.attacked(run.path("attack.parquet"), data, [0.25], clip=True),
        exhibits.control("noise", *control, data, seed=0),
    ]
    rows, kept = [], []
    for name, net in nets.items():
        witnesses, victim = Witnesses(name, 0, data), transfer.Victim(name, 0, net)
        for each in made:
            rows += transfer.exposed(
                each, victim, experiment="e", seed=0, chunk=5, witnesses=witnesses
            )
        kept += witnesses.tables(net, 5)
    tables.write(run.path("transfer.parquet"), pa.concat_tables(rows), {})
    tables.write(run.path("witnesses.parquet"), pa.concat_tables(kept), {})
    pictures = pa.concat_tables([transfer.pictures(e, 0) for e in made])
    tables.write(run.path("pictures.parquet"), pictures, {})


def join(run, files):
    joined = ledger.build(
        tables.frame(files.attacked),
        certificates.SCHEMA.empty_table().to_pandas(),
        tables.frame(files.clean),
        {key: Prepared(path) for key, path in files.images.items()},
    )
    tables.write(run.path("ledger.parquet"), tables.from_frame(joined, ledger.SCHEMA), {})


def _digits():
    """Return the first test images and labels."""
    test = datasets.digits.digits().test
    return test.images[:N], test.labels[:N]


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory, softmax_net, sigmoid_net):
    run = Run(tmp_path_factory.mktemp("recorded"))
    part = Part(*_digits())
    for name in ("train", "test"):
        prepared.write(run.path(f"{name}.parquet"), part, 10, UNIT_BOX, {})
    nets = {"A": sigmoid_net, "B": softmax_net}
    for (name, net), hidden in zip(nets.items(), ([30, 30], []), strict=True):
        _, spec = weights.create("mlp", {"hidden": hidden}, (1, 8, 8), 10)
        weights.save(run.path(f"{name}.safetensors"), net, spec)
    images, labels = (torch.from_numpy(array) for array in part)
    data = Images(images, labels, np.arange(N), "test", 10, UNIT_BOX, "D")
    for name, net in nets.items():
        given = answers(net, images, labels, 10, 5)
        place = {
            "net": name,
            "seed": 0,
            "dataset": "D",
            "index": np.arange(N),
            "label": part.labels,
        }
        given = given.columns | {"probabilities": False}
        parts = [tables.build(place | given | {"file": file}, CLEAN) for file in ("train", "test")]
        tables.write(run.path(f"clean{name}.parquet"), pa.concat_tables(parts), {})
    shown(run, data, nets)
    join(run, run.files)
    return run


@pytest.fixture
def run(left_alone, tmp_path):
    shutil.copytree(left_alone.folder, tmp_path / "copy")
    return Run(tmp_path / "copy")


def test_of_a_run_that_was_left_alone_every_row_is_checked(run):
    found = run.audit()
    assert found.loc[("A", "length"), "checked"] == N
    assert found["discrepancy"].xs("length", level="check").max() < 1e-12
    assert found.loc[("A", "attacked"), ["checked", "unchecked"]].sum() == 2 * N
    witnesses = len(tables.read(run.path("witnesses.parquet")))
    assert witnesses > N / 2
    assert found["checked"].xs("length", level="check").sum() == N + witnesses
    for net in NETS:
        assert found.loc[(net, "clean"), "checked"] == 2 * N
        assert found.loc[(net, "transfer"), ["checked", "unchecked"]].sum() == 3 * N
        assert found.loc[(net, "transfer"), "checked"] > 2.5 * N


def another(label):
    return (label + 1) % 10


EDITS = [
    ("attack.parquet", {"distortion": lambda d: d / 2}, "distortion in .*attack.parquet: expected"),
    ("attack.parquet", {"linf": lambda d: 1.001 * d}, "linf in .*attack.parquet: expected"),
    ("attack.parquet", {"distortion": None}, "distortion in .*attack.parquet: expected"),
    ("attack.parquet", {"attacked_prediction": another}, "attacked_prediction in .*: expected"),
    ("attack.parquet", {"prediction": another}, "prediction in .*attack.parquet: expected"),
    ("attack.parquet", {"prediction": -1}, "prediction in .*attack.parquet: expected"),
    ("attack.parquet", {"outcome": "WRONG"}, "outcome in .*attack.parquet: expected RIGHT"),
    ("attack.parquet", {"attacked_outcome": "REJECTED"}, "attacked_outcome in .*: expected WRONG"),
    ("attack.parquet", {"attacked_prediction": None}, "attacked_prediction in .*: expected"),
    ("attack.parquet", {"confidence": 0.01}, "confidence in .*attack.parquet: expected"),
    ("attack.parquet", {"l1": lambda d: 1.001 * d}, "l1 in .*attack.parquet: expected"),
    ("attack.parquet", {"l0": lambda d: d - 1}, "l0 in .*attack.parquet: expected"),
    ("attack.parquet", {"inside": False}, "witness: expected one by closest, found none"),
    ("cleanB.parquet", {"outcome": None}, "outcome in .*cleanB.parquet: expected"),
    ("transfer.parquet", {"outcome": "RIGHT"}, "outcome in .*transfer.parquet: expected WRONG"),
    ("attack.parquet", {"label": another}, "label in .*attack.parquet: expected"),
    ("witnesses.parquet", {"distortion": lambda d: d / 2}, "distortion in .*witnesses.parquet"),
    ("cleanB.parquet", {"prediction": another}, r"net B \(seed 0\), image 3 of train: prediction"),
    ("cleanB.parquet", {"label": another}, "label in .*cleanB.parquet: expected"),
    ("cleanB.parquet", {"index": 5}, r"image 5 of train: index in .*cleanB.parquet: expected 3"),
    ("transfer.parquet", {"success": False}, "success in .*transfer.parquet: expected True"),
    ("transfer.parquet", {"distortion": None}, "distortion in .*transfer.parquet: expected"),
    ("transfer.parquet", {"prediction": another}, "prediction in .*transfer.parquet: expected"),
    ("transfer.parquet", {"distortion": lambda d: d / 2}, "distortion in .*transfer.parquet"),
    ("pictures.parquet", {"image": 0.5}, "pictures.parquet: closest of A .*: expected the image"),
    ("pictures.parquet", {"original": 0.5}, "pictures.parquet: closest of A .*: expected the imag"),
    ("pictures.parquet", {"label": another}, "expected the label . of"),
    ("test.parquet", {"image": 0.5}, "row 3: expected an image with SHA-256"),
]


@pytest.mark.parametrize(("name", "values", "message"), EDITS)
def test_an_edit_by_hand_is_named(run, name, values, message):
    run.change(name, 3, **values)
    with pytest.raises(AuditError, match=message) as raised:
        run.audit()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("at", [N + 3, 2 * N + 3])
@pytest.mark.parametrize("values", [{"prediction": another}, {"distortion": lambda d: d / 2}])
def test_of_amplified_images_and_of_controls_as_well(run, at, values):
    run.change("transfer.parquet", at, **values)
    with pytest.raises(AuditError, match=f"{next(iter(values))} in .*transfer.parquet: expected"):
        run.audit()


@pytest.mark.parametrize("kept", [N - 2, 2 * N - 1])
def test_answers_to_fewer_images_or_to_more_are_named(run, kept):
    table = tables.read(run.path("cleanB.parquet"))
    for rows in (table.slice(0, kept), pa.concat_tables([table, table.slice(0, 1)])):
        tables.write(run.path("cleanB.parquet"), rows.replace_schema_metadata(), {})
        with pytest.raises(AuditError, match=r"cleanB.parquet: expected a row for each image of "):
            run.audit()


def test_an_attack_of_two_parts_is_looked_up_in_the_tables_of_both(run):
    table = tables.read(run.path("attack.parquet"))
    place = table.schema.get_field_index("file")
    in_training = pa.array(["train"] * N)
    other = table.set_column(place, table.schema.field("file"), in_training)
    tables.write(run.path("training.parquet"), other.replace_schema_metadata(), {})
    files = run.files._replace(attacks=[*run.files.attacks, run.path("training.parquet")])
    join(run, files)
    found = audit(files, []).to_pandas().set_index(["net", "check"])
    for net in NETS:
        assert found.loc[(net, "transfer"), "checked"] > 2.5 * N


def test_a_control_that_is_called_as_the_attack_is_not_taken_for_it(run):
    """A's nearest image by a control, in a table of witnesses, is not what its attack found."""
    attack = tables.read(run.path("attack.parquet"))
    images = tables.images(attack)
    columns = {name: attack[name] for name in attack.column_names} | {
        "image": np.zeros_like(images)
    }
    control = tables.build(columns, attacks.schema(images.shape[1:]))
    tables.write(run.path("control.parquet"), control, {})
    files = run.files._replace(witnesses=[*run.files.witnesses, run.path("control.parquet")])
    originals = {name: Originals(path, range(N)) for name, path in files.images.items()}
    networks = {(name, 0): _network(files, (name, 0)) for name in NETS}
    checks = _shown(files, originals, networks)
    assert all(check.checked > 2.5 * N for (check,) in checks.values())
    mistaken = files._replace(attacks=files.attacked)
    with pytest.raises(AuditError):
        _shown(mistaken, originals, networks)


def test_other_weights_than_a_table_was_made_from_are_named(run):
    table = run.path("attack.parquet")
    said = {"weights": {str(run.path("A.safetensors")): "0" * 64}}
    tables.write(table, tables.read(table).replace_schema_metadata(), said)
    with pytest.raises(AuditError, match=r"A\.safetensors: expected the weights that .*attack"):
        run.audit()


def test_what_a_net_unknown_to_it_answered_is_counted_with_the_reason(run, softmax_net):
    spec = weights.spec_of(run.path("B.safetensors")) | {"method": "my_lab.nets:resnet"}
    weights.save(run.path("B.safetensors"), softmax_net, spec)
    found = run.audit()
    why = "model my_lab.nets:resnet is not known to the audit"
    assert found.loc[("B", "clean"), ["unchecked", "reason"]].tolist() == [2 * N, why]
    assert found.loc[("B", "transfer"), ["unchecked", "reason"]].tolist() == [3 * N, why]


def test_controls_beyond_the_pictures_are_counted(run):
    table = tables.read(run.path("pictures.parquet"))
    fewer = table.filter(pa.compute.less(table["index"], 5)).replace_schema_metadata()
    tables.write(run.path("pictures.parquet"), fewer, {})
    found = run.audit()
    assert found.loc[("A", "transfer"), "reason"].split("; ")[-1] == (
        "images of a control that are not stored"
    )
    assert pd.Series(found.loc[("A", "transfer"), "unchecked"]).item() >= N - 5


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("by", ["image", "all"])
def test_images_amplified_by_a_factor_each_or_by_one_are_made_again(run, by, clip):
    test = datasets.digits.digits().test
    images, labels = (torch.from_numpy(array[:N]) for array in test)
    data = Images(images, labels, np.arange(N), "test", 10, UNIT_BOX, "D")
    net = weights.load(run.path("B.safetensors"))
    made = [*exhibits.attacked(run.path("attack.parquet"), data, [0.25], clip=clip, by=by)]
    victim = transfer.Victim("B", 0, net)
    rows = [transfer.exposed(each, victim, experiment="e", seed=0, chunk=5) for each in made]
    shown = pa.concat_tables([part for each in rows for part in each])
    tables.write(run.path("transfer.parquet"), shown, {})
    pictures = pa.concat_tables([transfer.pictures(each, 0) for each in made])
    tables.write(run.path("pictures.parquet"), pictures, {})
    spread = np.ptp(made[1].distortion[made[1].success])
    assert (spread > 1e-3) == (by == "all" or clip)

    def check():
        named = {("A", 0, "closest"): [run.path("attack.parquet")]}
        originals = {("D", 0, "test"): Originals(run.path("test.parquet"), range(N))}
        networks = {("B", 0): _network(run.files, ("B", 0))}
        table, seen = run.path("transfer.parquet"), run.path("pictures.parquet")
        return recheck(table, seen, named, originals, networks)

    assert check()[("B", 0)].checked > 1.5 * N
    run.change("pictures.parquet", N + 1, image=0.9)
    with pytest.raises(AuditError, match=r"pictures.parquet: closest of A .*: expected the image"):
        check()
    tables.write(run.path("pictures.parquet"), pictures, {})
    run.change("transfer.parquet", N + 1, distortion=lambda d: 1.001 * d)
    with pytest.raises(AuditError, match=r"distortion in .*transfer.parquet: expected"):
        check()


def test_a_length_within_the_rounding_of_its_image_is_no_edit(run):
    data = Images(*map(torch.from_numpy, _digits()), np.arange(N), "test", 10, UNIT_BOX, "D")
    made = [*exhibits.attacked(run.path("attack.parquet"), data, [1e-6], clip=True)]
    victim = transfer.Victim("B", 0, weights.load(run.path("B.safetensors")))
    rows = [transfer.exposed(each, victim, experiment="e", seed=0, chunk=5) for each in made]
    tables.write(run.path("transfer.parquet"), pa.concat_tables([r for rs in rows for r in rs]), {})
    pictures = pa.concat_tables([transfer.pictures(each, 0) for each in made])
    tables.write(run.path("pictures.parquet"), pictures, {})
    ours = made[1].distortion[made[1].success]
    assert np.abs(ours / 1e-6 - 1).max() > 1e-4  # pixels near 1 are rounded by up to 6e-8
    assert run.audit().loc[("B", "transfer"), "checked"] > 1.5 * N


@pytest.mark.parametrize("method", ["sphere", "gaussian"])
def test_a_control_outside_the_box_is_checked_and_is_no_witness(run, method):
    length = {"sphere": "distortion", "gaussian": "std"}[method]
    data = Images(*map(torch.from_numpy, _digits()), np.arange(N), "test", 10, UNIT_BOX, "D")
    nets = {name: weights.load(run.path(f"{name}.safetensors")) for name in NETS}
    shown(run, data, nets, (method, {length: 0.6, "clip": False}))
    join(run, run.files)
    seen = tables.frame([run.path("transfer.parquet")])
    noise = seen[seen["source"].isna()]
    assert noise["outcome"].eq("WRONG").any()
    assert method != "sphere" or noise["distortion"].to_numpy() == pytest.approx(0.6, rel=1e-6)
    pictures = tables.images(tables.read(run.path("pictures.parquet")))[-N:]
    assert ((pictures < 0) | (pictures > 1)).any(axis=(1, 2, 3)).all()
    kept = tables.frame([run.path("witnesses.parquet")])
    by_noise = kept[kept["attack"] == "noise"]
    assert not by_noise["success"].any() and not by_noise["inside"].any()
    assert not tables.frame([run.path("ledger.parquet")])["attack"].eq("noise").any()
    found = run.audit()
    for net in NETS:
        assert found.loc[(net, "transfer"), "checked"] > 2.5 * N
    run.change("transfer.parquet", 2 * N + 3, distortion=lambda d: 0.999 * d)
    with pytest.raises(AuditError, match=r"distortion in .*transfer\.parquet: expected"):
        run.audit()


@minimal("l2")
def moved(model, images, labels, targets):
    """Pixel 20 moved until the class changes, and pixel 21 to the edge of the box."""
    found = images.clone()
    found.flatten(1)[:, [20, 21]] = torch.tensor([0.95, 1.0])
    return found


@pytest.mark.parametrize("clip", [True, False])
def test_amplified_images_may_leave_the_box_by_what_no_length_shows(tmp_path, clip):
    run = Run(tmp_path)
    net, spec = weights.create("mlp", {"hidden": []}, (1, 8, 8), 10)
    for values, at, numbers in (
        (net[1].weight.data, (1, 20), 10),
        (net[1].bias.data, [0, 1], [1, -7]),
    ):
        values.zero_()[at] = torch.tensor(numbers, dtype=torch.float32)
    weights.save(run.path("A.safetensors"), net.eval(), spec)
    image = np.zeros((1, 1, 8, 8), np.float32)
    image.flat[[20, 21]] = 0.05, 15 / 16
    part = Part(image, np.zeros(1, np.int64))
    prepared.write(run.path("test.parquet"), part, 10, UNIT_BOX, {})
    data = Images(*map(torch.from_numpy, part), np.arange(1), "test", 10, UNIT_BOX, "D")
    columns = attack_all(moved, net, data, others=data, target="any", seed=0, chunk=1, settings={})
    assert columns["success"].all()
    named = {"net": "A", "seed": 0, "attack": "moved", "dataset": "D", "file": "test"}
    attack = tables.build(columns | named, attacks.schema((1, 8, 8)))
    tables.write(run.path("attack.parquet"), attack, {})
    length = float(1.001 * columns["distortion"][0])  # pixel 21 leaves the box by 6e-5
    made = [*exhibits.attacked(run.path("attack.parquet"), data, [length], clip=clip)]
    victim = transfer.Victim("A", 0, net)
    shown = [
        rows
        for each in made
        for rows in transfer.exposed(each, victim, experiment="e", seed=0, chunk=1)
    ]
    assert abs(shown[-1]["distortion"][0].as_py() / length - 1) < 1e-5
    tables.write(run.path("transfer.parquet"), pa.concat_tables(shown), {})
    pictures = pa.concat_tables([transfer.pictures(each, 0) for each in made])
    tables.write(run.path("pictures.parquet"), pictures, {})

    def check():
        named = {("A", 0, "moved"): [run.path("attack.parquet")]}
        originals = {("D", 0, "test"): Originals(run.path("test.parquet"), range(1))}
        networks = {("A", 0): _network(run.files, ("A", 0))}
        table, seen = run.path("transfer.parquet"), run.path("pictures.parquet")
        return recheck(table, seen, named, originals, networks)

    assert check()[("A", 0)].checked == 2
    run.change("pictures.parquet", 1, image=0.9)
    with pytest.raises(AuditError, match=r"pictures.parquet: moved of A .*: expected the image"):
        check()


@pytest.mark.parametrize(("large", "taken"), [(2.0**24, True), (1.0, False)])
def test_an_answer_by_rounding_alone_is_left_where_the_terms_are_so_large(large, taken):
    """Opposite logits, 1 and −1 by exact sums, of which float32 may make anything near 0."""
    rows = np.array([[large, 1, -large], [-large, -1, large]])
    network = Network([linear(rows, np.zeros(2))], rows, (3,))
    recorded = {
        "prediction": np.array([1.0]), "outcome": np.array(["WRONG"], object),
        "confidence": np.array([0.5]), "label": np.array([0]), "index": np.array([0]),
        "net": np.array(["A"]), "seed": np.array([0]), "file": np.array(["test"]),
        "dataset": np.array(["D"]),
    }  # fmt: skip
    check = Check("clean")

    def look():
        assert_answers(check, "clean.parquet", recorded, np.ones((1, 3)), network, 2)

    if taken:
        look()
        assert (check.checked, sum(check.reasons.values())) == (0, 1)
    else:
        with pytest.raises(AuditError, match=r"prediction in clean\.parquet: expected 0"):
            look()
