"""The contract of certificates, and breaches of it."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.certificates import table
from blindspots.certificates.contract import call
from blindspots.certificates.lipschitz import lipschitz
from blindspots.certificates.local import local
from blindspots.certificates.regions import regions
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import (
    UNIT_BOX,
    CertificateResult,
    InputError,
    Status,
    UnsupportedError,
)

N = 4


def shown():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3)).eval()
    images = torch.rand(N, 1, 2, 2)
    labels = model(images).argmax(dim=1)
    return model, Images(images, labels, np.arange(N), "test", 3, UNIT_BOX)


def result(radius=None, status=None):
    radius = torch.zeros(N, dtype=torch.float64) if radius is None else radius
    return CertificateResult(
        radius, torch.zeros(N, dtype=torch.int64) if status is None else status
    )


def certificate(found):
    def mine(model, images, labels):
        return found

    return mine


SOME = [torch.inf, 0.0, torch.nan, 1.5]


def test_what_keeps_the_contract_passes_and_a_failure_is_a_null():
    model, data = shown()
    status = torch.tensor([Status.CONVERGED, 0, Status.ITERATION_LIMIT, 0])
    given = result(torch.tensor(SOME, dtype=torch.float64), status)
    found = table.columns(call(certificate(given), model, data, {}))
    place = {
        "net": "a", "seed": 0, "certificate": "c", "dataset": "D", "file": "test", "norm": "l2",
        "eps": None, "box": False, "target": None, "region": None,
    }  # fmt: skip
    rows = {"index": data.rows, "label": data.labels.numpy()}
    built = tables.build(found | place | rows, table.SCHEMA)
    assert built["radius"].to_pylist() == [np.inf, 0.0, None, 1.5]
    assert built["status"].to_pylist()[2] == "ITERATION_LIMIT"
    assert built["reason"].null_count == N


def of(values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "mine: expected a CertificateResult, found NoneType"),
        (result([0.0] * N), r"mine: radius: expected a tensor \(4,\) of torch.float64, found list"),
        (result(of([0.0])), r"radius: expected a tensor \(4,\) .* found Tensor \(1,\)"),
        (result(of([0.0] * N, torch.float32)), "radius: .* of torch.float64, found .*float32"),
        (result(of([0.0] * N).requires_grad_()), "radius: expected none that has a gradient"),
        (result(of([0, 1, -3, 0])), r"radius\[2\]: expected at least 0, .* found -3"),
        (result(of([0, -torch.inf, 0, 0])), r"radius\[1\]: .* found -inf"),
        (
            result(of([0, 0, torch.nan, 0])),
            r"radius\[2\]: .* as status\[2\] is CONVERGED, found NaN",
        ),
        (result(status=of([0, 0, 99, 0], torch.int64)), r"status\[2\]: expected a value of Status"),
        (result(status=of([0.0] * N)), "status: expected a tensor"),
    ],
)
def test_what_breaks_it_is_said_in_one_line(found, message):
    model, data = shown()
    with pytest.raises(InputError, match=message) as raised:
        call(certificate(found), model, data, {})
    assert "\n" not in str(raised.value)


def zeroed(model, images, labels):
    for parameter in model.parameters():
        parameter.data.zero_()
    return result()


def in_training(model, images, labels):
    model.train()
    return result()


def counted(model, images, labels):
    model.train()(images)
    model.eval()
    return result()


def hooked(model, images, labels):
    model[1].register_forward_hook(lambda *given: None)
    return result()


@pytest.mark.parametrize(
    ("changing", "what"),
    [
        (zeroed, "tensor '1.weight'"),
        (in_training, "the mode or the hooks of 'the model itself'"),
        (counted, "tensor '2.running_mean'"),
        (hooked, "the mode or the hooks of '1'"),
    ],
)
def test_a_certificate_leaves_the_model_as_it_is(changing, what):
    model, data = shown()
    with pytest.raises(InputError, match=f"{changing.__name__}: expected an unchanged .* {what}"):
        call(changing, model, data, {})


def test_it_may_change_the_images_that_it_is_given():
    def greedy(model, images, labels):
        images.zero_(), labels.zero_()
        return result()

    model, data = shown()
    images, labels = data.images.clone(), data.labels.clone()
    call(greedy, model, data, {})
    assert torch.equal(data.images, images) and torch.equal(data.labels, labels)


def test_a_net_that_is_left_out_has_rows_that_say_why():
    found = table.left_out("no bound") | {
        "net": "a", "seed": 0, "certificate": "c", "dataset": "D", "file": "test",
        "index": [0, 1], "label": [1, 1],
        "norm": "l2", "eps": None, "box": False, "target": None, "region": None,
    }  # fmt: skip
    built = tables.build(found, table.SCHEMA)
    assert built["status"].to_pylist() == ["UNSUPPORTED"] * 2
    assert built["radius"].null_count == 2 and built["reason"].to_pylist() == ["no bound"] * 2


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            torch.rand(N, 1, 2, 2),
            torch.tensor([0, 1, 2, 3]),
            "labels: expected classes from 0 to 2",
        ),
        (torch.rand(N, 1, 2, 2), torch.tensor([0, 1]), r"labels: expected int64 of shape \(4,\)"),
        (torch.rand(N, 1, 2, 2), torch.zeros(N), "labels: expected int64"),
        (torch.full((N, 1, 2, 2), torch.nan), torch.zeros(N).long(), "images: expected finite"),
        (torch.zeros(N, 1, 2, 2).long(), torch.zeros(N).long(), "images: .* found torch.int64"),
    ],
)
def test_images_and_labels_of_another_kind_are_refused(images, labels, message):
    with pytest.raises(InputError, match=message):
        lipschitz(shown()[0], images, labels)


def test_a_net_that_does_not_classify_is_refused():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sigmoid())
    with pytest.raises(InputError, match=r"expected a net that classifies.*\(n, 1, 2, 2\)"):
        lipschitz(model, torch.rand(2, 1, 2, 2), torch.tensor([0, 1]))


def chain():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).eval()


class Cast(nn.Sequential):
    """A model that also takes images as bytes."""

    def forward(self, x):
        return super().forward(x.float())


def normed():
    model = chain()
    model[1] = nn.utils.weight_norm(model[1])
    return model


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("certify", [lipschitz, local, regions])
@pytest.mark.parametrize("written", [lambda: Cast(*chain()), normed])
def test_another_way_to_write_a_network_is_certified_the_same(certify, written):
    images = shown()[1].images
    labels = chain()(images).argmax(dim=1)
    found = certify(written(), images, labels).radius
    assert torch.allclose(found, certify(chain(), images, labels).radius, rtol=1e-5)
    assert (found > 0).all()


@pytest.mark.parametrize("certify", [lipschitz, local, regions])
def test_a_model_that_is_changed_is_certified_by_none(certify):
    model, images = chain(), shown()[1].images
    model[1].forward = lambda x: 50 * x @ model[1].weight.T
    with pytest.raises(UnsupportedError, match=r"layer '1' \(Linear\): expected the forward of"):
        certify(model, images, model(images).argmax(dim=1))


def test_a_layer_that_is_applied_to_rows_of_an_image_is_no_layer_of_regions():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3)).eval()
    images = shown()[1].images
    with pytest.raises(UnsupportedError, match=r"layer '0' \(Linear\): expected linear layers"):
        regions(model, images, model(images).argmax(dim=1))


def test_images_of_a_caller_stay_as_they_are_where_a_forward_changes_its_own():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.ReLU(inplace=True), nn.Linear(4, 3)).double().eval()
    images = torch.rand(N, 1, 2, 2, dtype=torch.float64) - 0.5
    before = images.clone()
    lipschitz(model, images, torch.zeros(N).long())
    assert torch.equal(images, before)


@pytest.mark.parametrize("reasons", [[1] * N, torch.zeros(N), "x" * N, [None] * (N + 1)])
def test_reasons_are_texts_one_for_each_image(reasons):
    model, data = shown()
    found = CertificateResult(result().radius, result().status, reasons)
    with pytest.raises(InputError, match="mine: reasons: expected") as error:
        call(certificate(found), model, data, {})
    assert len(str(error.value).splitlines()) == 1
