"""Declarations of a user's method count like those of the package's methods."""

import pytest

from blindspots.config import traits
from blindspots.config.check import check, method_settings
from blindspots.interface import InputError
from tests.configs import SCHEMA, full

MODELS = """
from typing import Annotated
from blindspots import limits
from blindspots.limits import OwnWeights as Theirs

def given(shape, classes, *, path: Theirs): ...
def perhaps(shape, classes, *, path: Annotated[str | None, limits.own_weights()] = None): ...
"""
DATASETS = """
from typing import Annotated
from blindspots.limits import mirror

def published(*, root: Annotated[str | None, mirror("letters/raw")] = None): ...
def pictures(*, root: str | None = None): ...
"""


@pytest.fixture
def raw(tmp_path, monkeypatch):
    (tmp_path / "declared_nets.py").write_text(MODELS)
    (tmp_path / "declared_data.py").write_text(DATASETS)
    monkeypatch.syspath_prepend(tmp_path)
    return full("presets/digits.yaml")


@pytest.mark.parametrize(
    "model",
    [
        {"method": "exported", "file": "w.pt2"},
        {"method": "declared_nets:given", "path": "w.pt2"},
        {"method": "declared_nets:perhaps", "path": "w.pt2"},
    ],
)
def test_a_model_that_brings_its_weights_is_a_net_alone(raw, model):
    raw["nets"]["theirs"] = {"model": model}
    assert check(raw, SCHEMA)["nets"]["theirs"]["weights"] == "w.pt2"
    raw["nets"]["theirs"]["weights"] = "other.pth"
    setting = next(name for name in model if name != "method")
    told = rf"nets\.theirs: expected a model alone, as its weights are in model\.{setting}; remove"
    with pytest.raises(InputError, match=told):
        check(raw, SCHEMA)


def test_a_model_that_may_bring_its_weights_and_does_not_needs_others(raw):
    raw["nets"]["theirs"] = {"model": {"method": "declared_nets:perhaps"}}
    with pytest.raises(InputError, match="expected either trainer or weights, found neither"):
        check(raw, SCHEMA)
    raw["nets"]["theirs"]["weights"] = "w.pth"
    assert check(raw, SCHEMA)["nets"]["theirs"]["weights"] == "w.pth"


def test_a_left_out_file_of_weights_is_one_fault(raw):
    raw["nets"]["theirs"] = {"model": {"method": "declared_nets:given"}}
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    (line,) = str(error.value).splitlines()
    assert "nets.theirs.model: expected the setting 'path' of declared_nets:given" in line


@pytest.mark.parametrize(
    ("method", "mirrored", "watched"),
    [
        ("mnist", True, []),
        ("kmnist", True, ["KMNIST/raw"]),
        ("fashion_mnist", True, ["FashionMNIST/raw"]),
        ("folder", False, []),
        ("declared_data:published", True, ["letters/raw"]),
        ("declared_data:pictures", False, []),
    ],
)
def test_the_place_of_a_mirror_is_no_part_of_the_dataset(raw, method, mirrored, watched):
    marks = traits.marked("datasets", method, "mirror")
    assert marks == ({"root": watched} if mirrored else {})
    found = method_settings({"method": method, "root": "here"}, "datasets")
    assert found == ({} if mirrored else {"root": "here"})
    names = set()
    for root in ("here", "there"):
        raw["data"] = {"method": method, "root": root}
        names |= check(raw, SCHEMA)["datasets"].keys()
    assert len(names) == (1 if mirrored else 2)


FEW = "memory: expected a lambda of n, pixels, classes and chunk"
OTHERS = "expected tables, each once, with names other than"


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        ("@measurement", "expected one of net, experiment, run as subject, found none"),
        ('@measurement("nets", tables=("a",))', "expected one of net, experiment, run as subject"),
        ('@measurement(["net"], tables=("a",))', "expected one of net, experiment, run as subject"),
        ('@measurement("net", ("a",))', "expected a decorator with subject, tables"),
        ('@measurement("net", tables=("a",), disk=3)', "a decorator with subject, tables"),
        ('@measurement("net", subject="net", tables=("a",))', "a decorator with subject, tables"),
        ('@measurement("net", **{"tables": ("a",)})', "a decorator with subject, tables"),
        ('@measurement("net", tables="mine")', "expected a tuple of names, found 'mine'; write"),
        ('@measurement("net", tables=3)', "tables: expected a tuple of names, found 3"),
        ('@measurement("net", tables=("class",))', "names that are valid names of parameters"),
        ('@measurement("net", tables=("items", "_a"))', "valid names of parameters"),
        ('@measurement("net", tables=("a",), pictures=("a",))', OTHERS),
        ('@measurement("net", tables=("attacks",))', OTHERS),
        ('@measurement("net", tables=("transfer",))', "tables whose names the report"),
        ('@measurement("net", tables=("a",), memory="4 GB")', "memory: expected a number above 0"),
        ('@measurement("net", tables=("a",), runtime=0)', "runtime: expected a number above 0"),
        ('@measurement("net", tables=("a",), memory=1e999)', "memory: expected a number above 0"),
        ('@measurement("net", tables=("a",), memory=lambda n: n)', FEW),
        ('@measurement("net", tables=("a",), memory=lambda n, p, c, k: n / 0)', FEW),
        ('@measurement("net", tables=("a",), memory=lambda n, p, c, k, x=y: n)', "constants"),
        ('@measurement("net", tables=("a",), rows=5)', "rows: expected a lambda of images and"),
        ('@measurement("net", tables=("a",), gpu="no")', "gpu: expected True or False"),
        ('@certificate("linf")', "expected a decorator with norm, box, whole"),
        ('@certificate(norms="linf")', "expected a decorator with norm, box, whole"),
        ('@certificate(box="yes")', "box: expected True or False, found 'yes'"),
    ],
)
def test_what_a_decorator_cannot_say_is_refused_in_one_line(raw, tmp_path, decorator, message):
    kind, name = "measurement" in decorator, f"odd_{abs(hash(decorator))}"
    arguments = "model" if kind else "model, images, labels"
    (tmp_path / f"{name}.py").write_text(f"{decorator}\ndef f({arguments}): ...\n")
    raw["measurements" if kind else "certificates"] = {"own": {"method": f"{name}:f"}}
    raw["claims"] = None
    raw["tables"] = raw["figures"] = {}
    with pytest.raises(InputError, match=r"own\.method") as error:
        check(raw, SCHEMA)
    (line,) = str(error.value).splitlines()
    assert message in line


def test_a_certificate_proves_a_norm_that_there_is(raw, tmp_path):
    (tmp_path / "odd_norm.py").write_text("def f(model, images, labels, *, norm='l2'): ...\n")
    raw["certificates"] = {"own": {"method": "odd_norm:f", "norm": "L7"}}
    with pytest.raises(InputError, match=r"own\.norm: expected one of l0, l1.*found 'L7'$"):
        check(raw, SCHEMA)
    raw["certificates"]["own"]["norm"] = "linf"
    check(raw, SCHEMA)
