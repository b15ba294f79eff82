"""Faults of a config's threats: radii, norms, masks, further nets."""

import copy
from pathlib import Path

import numpy as np
import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.declarations import with_radius
from blindspots.interface import InputError
from tests.configs import ROOT, SCHEMA, fault

LAB = """
from typing import Literal

from blindspots.certificates.contract import certificate
from blindspots.families import budget, minimal


@budget("linf", "l2")
def within(model, images, labels, targets, *, eps, norm: Literal["l1", "l2", "linf"] = "linf"): ...


@minimal("l2")
def nearest(model, images, labels, targets, *, mask=None): ...


@minimal("l2")
def helped(model, images, labels, targets, *, parents): ...


@minimal("l3")
def odd(model, images, labels, targets): ...


@certificate(norm="rms")
def of_no_norm(model, images, labels): ...


def chosen(model, images, labels, *, norm: Literal["l2", "linf"] = "l2"): ...


def spelt(model, images, labels, *, norm: str = "l2"): ...


@certificate("linf")
def by_place(model, images, labels): ...


@certificate(nrom="linf")
def misspelt(model, images, labels): ...


def oddly_chosen(model, images, labels, *, norm: Literal["l2", "rms"] = "l2"): ...


@certificate(norm="linf")
def asked(model, images, labels, *, eps): ...
"""
LIST = "l0, l1, l2, linf"


@pytest.fixture
def raw(tmp_path, monkeypatch):
    (tmp_path / "threat_lab.py").write_text(LAB, "utf-8")
    np.save(tmp_path / "mask.npy", np.ones((1, 8, 8), bool))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load((ROOT / "tests/workflow/small.yaml").read_text("utf-8"))


def of_lab(entry):
    return entry | {"method": f"threat_lab:{entry['method']}"}


@pytest.mark.parametrize(
    "attack",
    [
        {"method": "within", "eps": 0.1},
        {"method": "within", "eps": [0.1, 0, 8], "norm": "l2"},
        {"method": "within", "eps": "1e-2"},
        {"method": "nearest", "mask": "mask.npy"},
        {"method": "helped", "parents": {"surrogate": "coded"}},
    ],
)
def test_what_an_attack_declares_it_may_be_asked_for(raw, attack):
    raw["attacks"]["lbfgs"] = of_lab(attack)
    check(raw, SCHEMA)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ({"method": "nearest", "eps": 0.1}, "eps: expected no radius for threat_lab:nearest, a "
         "minimal attack, found 0.1; remove it, or declare the attack with @budget"),
        ({"method": "within"}, ": expected a radius eps, or several, for threat_lab:within, found"),
        ({"method": "within", "eps": -0.1}, "eps: expected radii of at least 0, found -0.1"),
        ({"method": "within", "eps": [0.1, -1]}, "eps: expected radii of at least 0, found -1"),
        ({"method": "within", "eps": float("nan")}, "eps: expected"),
        ({"method": "within", "eps": float("inf")}, "eps: expected"),
        ({"method": "within", "eps": True}, "eps: expected radii of at least 0, found true"),
        ({"method": "within", "eps": "far"}, "eps: expected radii of at least 0, found 'far'"),
        ({"method": "within", "eps": []}, "eps: expected one radius or several different ones"),
        ({"method": "within", "eps": [1, 1.0]}, "eps: expected one radius or several different"),
        ({"method": "within", "eps": 1, "norm": "l1"}, "norm: expected a norm that "
         "threat_lab:within declares (linf, l2), found 'l1'"),
        ({"method": "odd"}, f"method: expected threat_lab:odd to declare norms of {LIST}, found"),
        ({"method": "within", "eps": 1, "mask": "mask.npy"}, "mask: expected none for"),
        ({"method": "nearest", "mask": "none.npy"}, "mask: expected an .npy file, found none at"),
        ({"method": "nearest", "parents": {"a": "coded"}}, "parents: expected none for"),
        ({"method": "helped"}, ": expected parents for threat_lab:helped, found none; add them"),
        ({"method": "helped", "parents": {"a": "cded"}}, "parents.a: expected a net of this con"),
    ],
)  # fmt: skip
def test_a_fault_of_an_attack_is_one_line(raw, attack, message):
    found = fault(raw, "attacks", "lbfgs", value=of_lab(attack))
    assert len(found.splitlines()) == 1
    assert found.startswith("my.yaml: attacks.lbfgs") and message in found


@pytest.mark.parametrize(
    ("section", "name", "change", "found"),
    [
        ("attacks", "noise", {"std": 25.5}, "std: expected at most 2"),
        ("attacks", "noise", {"method": "sphere", "distortion": 12, "std": None},
         "distortion: expected at most 2"),
        ("attacks", "lbfgs", {"method": "threat_lab:within", "eps": [1, 8], "max_iterations": None},
         "eps: expected at most 2"),
        ("experiments", "both", {"amplify": [25.5]}, "amplify: expected at most 2"),
    ],
)  # fmt: skip
def test_lengths_of_pixels_from_0_to_255_are_refused_where_they_are_from_0_to_1(
    raw, section, name, change, found
):
    entry = raw[section][name] | change
    raw[section][name] = {key: value for key, value in entry.items() if value is not None}
    with pytest.raises(InputError) as raised:
        check(copy.deepcopy(raw), SCHEMA)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"config: {section}.{name}.{found}")
    assert "as pixels of digits are between 0 and 1, found" in line
    assert line.endswith("; divide it by 255 if 255 is white")
    raw["data"] = {"method": "tests.workflow.makers:points"}  # in a box of its own
    check(raw, SCHEMA)


def test_a_length_in_l2_is_of_all_pixels_together(raw):
    raw["attacks"]["lbfgs"] = {"method": "threat_lab:within", "eps": [0.1, 8], "norm": "l2"}
    check(raw, SCHEMA)


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        ({"method": "of_no_norm"}, "method: threat_lab:of_no_norm: expected one of the norms "
         f"{LIST}, found 'rms'"),
        ({"method": "oddly_chosen"}, f"expected one of the norms {LIST}, found 'rms'"),
        ({"method": "chosen", "norm": "l1"}, "norm: expected one of l2, linf, found 'l1'"),
        ({"method": "spelt", "norm": "l7"}, f"norm: expected one of {LIST}, found 'l7'"),
        ({"method": "by_place"}, "expected a decorator with norm, box, whole, found 'linf'"),
        ({"method": "misspelt"}, "found nrom; did you mean 'norm'?"),
        ({"method": "asked", "eps": -0.1}, "eps: expected a radius of at least 0, found -0.1"),
        ({"method": "asked", "eps": float("nan")}, "eps: expected"),
        ({"method": "asked", "eps": [0.1, 0.2]}, "eps: expected a radius of at least 0, found"),
        ({"method": "asked", "eps": []}, "eps: expected a radius of at least 0, found []"),
    ],
)  # fmt: skip
def test_a_fault_of_a_certificate_is_one_line(raw, certificate, message):
    raw["certificates"]["sound"] = of_lab({"method": "chosen", "norm": "linf"})
    raw["certificates"]["yes"] = of_lab({"method": "asked", "eps": 0.1})
    check(raw, SCHEMA)
    found = fault(raw, "certificates", "yes", value=of_lab(certificate))
    assert len(found.splitlines()) == 1
    assert found.startswith("my.yaml: certificates.yes") and message in found


def test_a_certificate_asks_at_the_radius_of_its_default_where_none_is_given(raw):
    Path("defaults_lab.py").write_text("def asks(model, images, labels, *, eps=0.25): ...\n")
    asks = "defaults_lab:asks"
    assert with_radius(asks, {}) == {"eps": 0.25}
    assert with_radius(asks, {"eps": 0.5}) == {"eps": 0.5}
    assert with_radius("lipschitz", {"bound": "product"}) == {"bound": "product"}
