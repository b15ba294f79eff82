"""The audit agrees with correct results of the library, and finds changed ones."""

import ast
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from safetensors.torch import save_file

from blindspots import datasets
from blindspots.attacks import closest
from blindspots.attacks import table as attacks
from blindspots.audit import networks
from blindspots.audit.files import AuditError, stream
from blindspots.audit.radii import product_radii
from blindspots.audit.run import Files, audit, summary
from blindspots.audit.threat import follows
from blindspots.bounds import networks as bounds
from blindspots.bounds import operators
from blindspots.certificates import table as certificates
from blindspots.certificates.lipschitz import lipschitz
from blindspots.datasets import table as prepared
from blindspots.files import tables, weights
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, Part
from blindspots.jobs import ledger
from blindspots.jobs.attacking import attack_all
from blindspots.jobs.lower_bounds import Prepared
from blindspots.threat.answers import CLEAN, answers
from blindspots.threat.judge import lengths
from tests.conftest import ROOT

PACKAGE = ROOT / "blindspots/audit"
ORIGIN = {"net": "A", "seed": 3}
N = 12
WRONG = 4
"""The image whose label differs from the net's answer."""


def test_imports_numpy_and_pyarrow_and_itself_alone():
    allowed = {"numpy", "pyarrow", *sys.stdlib_module_names}
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, path.name
            elif isinstance(node, ast.ImportFrom):
                ours = (node.module or "").split(".")[:2] == ["blindspots", "audit"]
                assert node.level == 0, path.name
                assert ours or node.module.split(".")[0] in allowed, path.name


def test_loads_neither_torch_nor_pandas():
    told = "import sys, blindspots.audit.run; print({'torch', 'pandas'} & {*sys.modules})"
    ended = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "set()\n"


def saved(folder, method, settings, shape, parents=None, seed=1):
    """Write the file of a new model whose biases are not 0."""
    model, spec = weights.create(method, settings, shape, 10, parents=parents, seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.manual_seed(seed)))
    path = folder / f"{method}{seed}.safetensors"
    weights.save(path, model, spec)
    return path


def encoded(folder, settings, shape):
    coder = saved(folder, "autoencoder", {"hidden": 6}, shape)
    once = saved(folder, "encoded", {"bias": False}, shape, {"encoder": coder})
    return saved(folder, "encoded", settings, shape, {"encoder": once}, seed=2)


@pytest.mark.parametrize(
    ("method", "settings", "shape"),
    [
        ("mlp", {}, (1, 8, 8)),
        ("mlp", {"hidden": [7, 5]}, (1, 8, 8)),
        ("mlp", {"hidden": [7], "activation": "relu"}, (1, 8, 8)),
        ("mlp", {"hidden": [7, 5, 6], "activation": "tanh"}, (3, 4, 5)),
        ("mlp", {"bias": False}, (1, 8, 8)),
        ("mlp", {"hidden": [7, 5], "bias": False}, (1, 8, 8)),
        ("encoded", {}, (1, 8, 8)),
        ("encoded", {"bias": False}, (1, 8, 8)),
        ("lenet", {}, (1, 16, 16)),
        ("lenet", {"activation": "tanh"}, (3, 13, 20)),
        ("lenet", {}, (3, 30, 30)),  # whose first convolution is large
    ],
)
def test_logits_and_slopes_are_the_librarys(tmp_path, method, settings, shape):
    if method == "encoded":
        path = encoded(tmp_path, settings, shape)
    else:
        path = saved(tmp_path, method, settings, shape)
    model = weights.load(path).double()
    network = networks.load(path)
    images = torch.rand(5, *shape, dtype=torch.float64, generator=torch.manual_seed(0))
    with torch.no_grad():
        expected = model(images).numpy()
    assert np.allclose(network.logits(images.numpy()), expected, rtol=0, atol=1e-10)
    proven = bounds.bound(model, shape).logits
    assert np.allclose(network.slopes, proven, rtol=1e-9)
    assert (network.slopes <= proven * (1 + 1e-13)).all()


@pytest.mark.parametrize("hidden", [[], [7], [90]])
def test_radii_are_the_librarys_less_the_same_rounding(tmp_path, hidden):
    path = saved(tmp_path, "mlp", {"hidden": hidden}, (1, 8, 8))
    model = weights.load(path)
    middle = torch.rand(1, 1, 8, 8, generator=torch.manual_seed(2))
    with torch.no_grad():
        model[-1].bias -= model(middle)[0]  # all logits are about 0 there
    weights.save(path, model, weights.create("mlp", {"hidden": hidden}, (1, 8, 8), 10)[1])
    sizes = torch.logspace(-7, -1, 30).view(-1, 1, 1, 1)
    images = middle + sizes * torch.randn(30, 1, 8, 8, generator=torch.manual_seed(1))
    network = networks.load(path)
    labels = network.logits(images.double().numpy()).argmax(axis=1)
    expected, _ = product_radii(network, images.double().numpy(), labels)
    found = lipschitz(model, images, torch.from_numpy(labels)).radius.numpy()
    assert (found <= expected * (1 + 1e-9)).all()
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert (found == 0).any() and (found > 0).any()


def test_the_audit_bounds_large_convolutions_as_the_library_does():
    assert networks.LARGEST == operators.DENSE_SIDE  # otherwise their radii differ by a few percent


def test_streams_the_rows_that_are_asked_for_in_any_order(tmp_path):
    images = np.random.default_rng(0).random((2500, 2, 3)).astype(np.float32)
    table = tables.build({"image": images}, pa.schema([tables.image_field((2, 3))]))
    tables.write(tmp_path / "t.parquet", table, {})
    wanted = np.array([2400, 3, 1024, 3, 1023])
    found = np.zeros((5, 2, 3), np.float32)
    for places, part in stream(tmp_path / "t.parquet", wanted):
        found[places] = part
    assert (found == images[wanted]).all()


class Run:
    """Files of a run of one net on a few images."""

    def __init__(self, folder):
        self.folder = folder
        self.attack, self.radii, self.ledger, self.weights = (
            folder / name for name in ("a.parquet", "c.parquet", "l.parquet", "weights.safetensors")
        )

    @property
    def files(self):
        images = {("D", 3, f): self.folder / f"{f}.parquet" for f in ("train", "test")}
        return Files(self.ledger, [self.attack], [self.radii], {("A", 3): self.weights}, images)

    def audit(self):
        return audit(self.files, ["product"]).to_pandas().set_index("check")

    def change(self, path, image, change, **where):
        """Change the rows of an image: `change` takes a row, as a dict, to what differs."""
        table = tables.read(path)
        rows = table.to_pylist()
        if "image" in table.column_names:
            for row, picture in zip(rows, tables.images(table), strict=True):
                row["image"] = picture
        for row in rows:
            if row["index"] == image and where.items() <= row.items():
                row.update(change(row))
        columns = {name: [row[name] for row in rows] for name in table.column_names}
        tables.write(path, tables.build(columns, table.schema.remove_metadata()), {})

    @property
    def reach(self):
        image = self.original(7).astype(float)
        return np.maximum(image, 1 - image)

    def original(self, image):
        return tables.images(tables.read(self.files.images["D", 3, "test"]))[image]


def build(folder, model, spec):
    """Attack and certify the first test images of digits, one of them with another label."""
    run = Run(folder)
    dataset = datasets.digits.digits()
    labels = dataset.test.labels[:N].copy()
    labels[WRONG] = (labels[WRONG] + 1) % 10
    test = Part(dataset.test.images[:N], labels)
    for name, part in (("train", test), ("test", test)):
        prepared.write(run.files.images["D", 3, name], part, 10, UNIT_BOX, {})
    weights.save(run.weights, model, spec)
    images = torch.from_numpy(test.images)
    data = Images(images, torch.from_numpy(labels), np.arange(N), "test", 10, UNIT_BOX)
    columns = attack_all(
        closest, model, data, others=data, target="random", seed=0, chunk=N, settings={}
    )
    named = ORIGIN | {"attack": "closest", "dataset": "D", "file": "test"}
    tables.write(run.attack, tables.build(columns | named, attacks.schema((1, 8, 8))), {})
    found = certificates.columns(lipschitz(model, images, data.labels))
    place = ORIGIN | {"dataset": "D", "file": "test", "index": np.arange(N), "label": labels}
    ball = {"norm": "l2", "eps": None, "box": False, "target": None, "region": None}
    certified = tables.build(found | place | ball | {"certificate": "product"}, certificates.SCHEMA)
    tables.write(run.radii, certified, {})
    seen = answers(model, images, data.labels, 10, N)
    given = seen.columns | {"probabilities": False}
    clean = tables.build(place | given, CLEAN)
    joined = ledger.build(
        *(tables.frame([path]) for path in (run.attack, run.radii)), clean.to_pandas(),
        {key: Prepared(path) for key, path in run.files.images.items()},
    )  # fmt: skip
    tables.write(run.ledger, tables.from_frame(joined, ledger.SCHEMA), {})
    return run


@pytest.fixture(scope="session")
def left_alone(tmp_path_factory, sigmoid_net):
    _, spec = weights.create("mlp", {"hidden": [30, 30]}, (1, 8, 8), 10)
    return build(tmp_path_factory.mktemp("run"), sigmoid_net, spec)


@pytest.fixture
def run(left_alone, tmp_path):
    """A copy that a test may change."""
    shutil.copytree(left_alone.folder, tmp_path / "copy")
    return Run(tmp_path / "copy")


def test_a_run_that_was_left_alone_passes_every_check(run):
    found = run.audit()
    assert found["checked"].to_dict() == {
        "distance": 4 * (2 * N - 1), "answer": 4 * (2 * N - 1), "mistake": 4,
        "radius": N, "order": N, "length": N, "attacked": 2 * N,
    }  # fmt: skip
    assert (found["unchecked"] == 0).all()
    assert found.loc["distance", "discrepancy"] < 1e-12
    assert found.loc["radius", "discrepancy"] < 1e-9
    assert 0 < found.loc["order", "discrepancy"] < 1


def moved_pixel(run):
    def move(row):
        image = row["image"].copy()
        image.flat[20] += 0.01 if image.flat[20] < 0.5 else -0.01
        return {"image": image}

    run.change(run.attack, 7, move)


def wrong_distance(run):
    run.change(run.attack, 7, lambda row: {"l2": row["l2"] * (1 + 1e-6)})
    run.change(run.ledger, 7, lambda row: {"upper": row["upper"] * (1 + 1e-6)}, norm="l2")


def tighter_ledger(run):
    change = {"goal": "any", "norm": "linf"}
    run.change(run.ledger, 7, lambda row: {"upper": row["upper"] * 0.99}, **change)


def replaced_witness(run, image):
    """Put another image with its own distances into a row."""
    change = torch.from_numpy(image.astype(float) - run.original(7))[None]
    far = {norm: float(length[0]) for norm, length in lengths(change).items()}
    run.change(run.attack, 7, lambda row: {"image": image} | far)
    run.change(run.ledger, 7, lambda row: {"upper": far[row["norm"]]})


def right_answer(run):
    image = run.original(7).copy()
    image.flat[20] = 0.5
    replaced_witness(run, image)


def outside_the_box(run):
    image = run.original(7).copy()
    image.flat[20] = 1.5
    replaced_witness(run, image)


def other_target(run):
    other = lambda row: (row["target"] + 1) % 10  # noqa: E731
    run.change(run.attack, 7, lambda row: {"attacked_prediction": other(row)})
    run.change(run.ledger, 7, lambda row: {"target": other(row)}, goal="target")


def failed_attack(run):
    run.change(run.attack, 7, lambda row: {"mistaken": False})


def mistake_that_is_none(run):
    run.change(run.ledger, 7, lambda row: {"upper": 0.0, "attack": None}, goal="any")


def bound_without_a_witness(run):
    run.change(run.ledger, 7, lambda row: {"attack": None}, goal="any")


def inflated(run, factor, certificate="product"):
    change = {"certificate": certificate}
    run.change(run.radii, 7, lambda row: change | {"radius": row["radius"] * factor})

    def follow(row):
        low, _ = follows(run.radius, "l2", row["norm"], run.reach)
        return change | {"lower": low if row["norm"] == "l0" else row["lower"] * factor}

    run.radius = tables.read(run.radii)["radius"].to_pylist()[7]
    run.change(run.ledger, 7, follow)


def ledgers_own_radius(run):
    run.change(run.ledger, 7, lambda row: {"lower": row["lower"] * 1.01}, norm="l1")


def farther_in(norm, share):
    """Change a lower bound of the ledger, which then follows from no certificate."""

    def plant(run):
        change = {"norm": norm, "goal": "any"}
        run.change(run.ledger, 7, lambda row: {"lower": row["lower"] * share}, **change)

    return plant


def in_a_shorter_norm(run):
    """Declare an L2 radius to hold in Linf."""
    run.change(run.ledger, 7, lambda row: {"lower": row["lower"] * 8}, norm="linf")


PLANTED = [
    (farther_in("linf", 1 + 1e-6), "ledger's lower bound in linf"),
    (farther_in("l0", 2), "ledger's lower bound in l0"),
    (farther_in("l1", 0.99), "ledger's lower bound in l1"),
    (in_a_shorter_norm, "ledger's lower bound in linf"),
    (moved_pixel, "expected the ledger's distance"),
    (wrong_distance, "expected the ledger's distance"),
    (tighter_ledger, "expected the ledger's distance"),
    (right_answer, "expected an answer"),
    (outside_the_box, r"expected pixels in \[0.0, 1.0\], found \[0, 1.5\]"),
    (other_target, "expected an answer"),
    (failed_attack, "expected one by closest, found none"),
    (mistake_that_is_none, "expected an answer other than"),
    (bound_without_a_witness, "upper bound of the image itself: expected 0"),
    (lambda run: inflated(run, 1.01), "radius of certificate product: expected"),
    (lambda run: inflated(run, 0.9), "radius of certificate product: expected"),
    (lambda run: inflated(run, 100, "theirs"), "expected at most the distance found"),
    (ledgers_own_radius, "ledger's lower bound in l1, by certificate product: expected"),
]


@pytest.mark.parametrize(("plant", "message"), PLANTED)
def test_a_planted_fault_is_named_with_its_net_and_image(run, plant, message):
    plant(run)
    with pytest.raises(AuditError, match=message) as raised:
        run.audit()
    assert "net A (seed 3), image 7 of test: " in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_weights_are_found(run):
    model, spec = weights.create("mlp", {"hidden": [30, 30]}, (1, 8, 8), 10, seed=5)
    weights.save(run.weights, model, spec)
    with pytest.raises(AuditError, match=r"net A \(seed 3\), image \d+ of test"):
        run.audit()


@pytest.mark.parametrize("file", ["attack", "radii", "ledger", "weights"])
def test_a_damaged_file_is_named_with_the_remedy(run, file):
    path = getattr(run, file)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(AuditError, match=f"{path.name}: expected a whole .*; delete it"):
        run.audit()


@pytest.mark.parametrize("spec", ["[" * 10_000, "[1]", "{}", '{"method": 3}', "none"])
def test_weights_without_a_spec_that_is_one_are_named(run, spec):
    save_file({"w": torch.zeros(1)}, run.weights, metadata={"spec": spec})
    with pytest.raises(AuditError, match=r"expected a whole safetensors file with a spec, found"):
        run.audit()


def test_an_image_that_the_ledger_leaves_out_is_found(run):
    table = tables.read(run.ledger)
    rest = table.filter(pa.compute.not_equal(table["index"], 7))
    tables.write(run.ledger, rest.replace_schema_metadata(), {})
    with pytest.raises(AuditError, match="image 7 of test: expected a row of the ledger, found"):
        run.audit()


def test_of_a_model_that_it_does_not_know_it_checks_the_rest_and_says_why(run, sigmoid_net):
    spec = weights.spec_of(run.weights) | {"method": "my_lab.nets:resnet"}
    weights.save(run.weights, sigmoid_net, spec)
    found = run.audit()
    assert found["checked"].to_dict() == {
        "distance": 4 * (2 * N - 1), "answer": 0, "mistake": 0, "radius": 0, "order": N,
        "length": N, "attacked": 0,
    }  # fmt: skip
    for check, count in (("answer", 4 * (2 * N - 1)), ("mistake", 4), ("radius", N)):
        assert found.loc[check, "unchecked"] == count
        assert found.loc[check, "reason"] == "model my_lab.nets:resnet is not known to the audit"
    moved_pixel(run)
    with pytest.raises(AuditError, match="expected the ledger's distance"):
        run.audit()


def test_other_certificates_are_counted_as_not_recomputed(run):
    inflated(run, 1.01, "theirs")
    found = run.audit()
    assert found.loc["radius", ["checked", "unchecked"]].tolist() == [N - 1, 1]
    assert found.loc["radius", "reason"] == "not certified by the product of the layers' bounds"


def test_the_summary_adds_up_over_nets(tmp_path, run):
    table = audit(run.files, ["product"])
    other = table.to_pandas().assign(net="B", unchecked=2, reason="why", discrepancy=5.0)
    both = pd.concat([table.to_pandas(), other])
    tables.write(tmp_path / "audit.parquet", tables.from_frame(both, table.schema), {})
    lines = {line.check: line for line in summary(tmp_path / "audit.parquet")}
    assert list(lines) == [
        "distance", "answer", "mistake", "radius", "order", "length", "attacked",
    ]  # fmt: skip
    line = lines["radius"]
    assert (line.nets, line.checked, line.unchecked) == (2, 2 * N, 2)
    assert (line.reason, line.discrepancy) == ("why", 5.0)
