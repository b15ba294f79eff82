"""A user's attack that breaks the contract is named together with the breach."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots import families
from blindspots.attacks import closest, gaussian, identity, lbfgs, other_image, sphere
from blindspots.attacks.contract import call
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, AttackResult, InputError, Status
from blindspots.jobs.attacking import attack_all

N = 6


def made(given, **changed):
    n = len(given)
    one = torch.ones(n, dtype=torch.int64)
    fields = {
        "originals": given, "images": given, "success": torch.ones(n, dtype=torch.bool),
        "status": 0 * one, "forwards": one, "backwards": one,
    }  # fmt: skip
    return AttackResult(**(fields | changed))


def in_place(x):
    return made(x.add_(0.3).clamp_(0, 1))


BROKEN = {
    "nothing": (lambda x: None, "own: expected an AttackResult, found NoneType"),
    "fewer": (lambda x: made(x[:3]), r"own: originals: expected a tensor \(6, 1, 8, 8\) of torch"),
    "double": (lambda x: made(x, images=x.double()), "own: images: .* found Tensor .* torch.float"),
    "number": (
        lambda x: made(x, forwards=7),
        r"own: forwards: .* \(6,\) of torch.int64, found int",
    ),
    "mask": (lambda x: made(x, success=torch.ones(len(x)).long()), "own: success: .* torch.bool"),
    "penalty": (lambda x: made(x, penalty=torch.ones(3)), "own: penalty: expected a tensor"),
    "outside": (lambda x: made(x, images=x + 3), r"own: images\[0\]: expected pixels in \[0, 1\]"),
    "nan": (lambda x: made(x, images=x * torch.nan), r"own: images\[0\]: .* or not a number"),
    "gradient": (lambda x: made(x, images=x.clone().requires_grad_()), "own: images: .* detach"),
    "in place": (in_place, "own: originals: expected the images as they were given"),
    "status": (
        lambda x: made(x, status=torch.full((len(x),), 99)),
        r"own: status\[0\]: expected a value of Status, found 99",
    ),
}


def run(attack, model, digits, target="any", **settings):
    data = Images(digits[0][:N].clone(), digits[1][:N], np.arange(N), "train", 10, UNIT_BOX)
    return attack_all(
        attack, model, data, others=data, target=target, seed=0, chunk=N,
        settings=settings,
    )  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("target", ["any", "best_of_all"])
def test_what_breaks_the_contract_is_named(softmax_net, digits, broken, target):
    answer, message = BROKEN[broken]

    def own(model, images, labels, targets=None):
        return answer(images)

    with pytest.raises(InputError, match=message):
        run(own, softmax_net, digits, target)


def test_a_source_without_logits_or_gradients_is_named(softmax_net, digits):
    class Detached(nn.Module):
        def forward(self, x):
            return softmax_net(x).detach()

    class Map(nn.Module):
        def forward(self, x):
            return softmax_net(x)[:, :, None]

    with pytest.raises(InputError, match="model: expected logits that are differentiable"):
        run(closest, Detached(), digits)
    with pytest.raises(InputError, match=r"logits \(n, classes\), found shape \(6, 10, 1\)"):
        run(closest, Map(), digits)


@pytest.mark.parametrize("target", ["any", "next", "best_of_all"])
def test_a_success_that_is_none_is_named_with_its_image(softmax_net, digits, target):
    def liar(model, images, labels, targets=None):
        honest = closest(model, images, labels, targets).images
        lied = (images == digits[0][4]).flatten(1).all(dim=1)
        return made(images, images=torch.where(lied[:, None, None, None], images, honest))

    wanted = r"a class other than the label \d" if target == "any" else r"the target \d"
    with pytest.raises(
        InputError,
        match=rf"liar: success\[4\]: .* image 4 of train, shown .* {wanted}, found \d; .*_MARGIN",
    ):
        run(liar, softmax_net, digits, target)


def changes_targets(model, images, labels, targets):
    targets[:] = model(images).argmax(dim=1)
    return made(images)


def changes_labels(model, images, labels, targets):
    labels[:] = (labels + 1) % 10
    return made(images)


@pytest.mark.parametrize(
    ("attack", "target"), [(changes_targets, "random"), (changes_labels, "any")]
)
def test_an_attack_that_changes_what_it_is_judged_by_is_judged_all_the_same(
    softmax_net, digits, attack, target
):
    with pytest.raises(InputError, match=r"success\[\d\]: expected the answer"):
        run(attack, softmax_net, digits, target)


def test_rows_and_other_images_stay_as_they_are_whatever_an_attack_does(softmax_net, digits):
    def own(model, images, labels, targets, *, rows, others):
        rows[:] = 0
        others[:] = 0
        return closest(model, images, labels)

    found = run(own, softmax_net, digits)
    assert found["index"].tolist() == list(range(N))
    assert found["success"].all()


def test_a_rejected_answer_is_no_success(digits):
    rejects = nn.Sequential(nn.Flatten(), nn.Linear(64, 11))
    nn.init.zeros_(rejects[1].weight)
    with torch.no_grad():
        rejects[1].bias.copy_(torch.arange(11.0))  # always the logit beyond the ten classes

    def own(model, images, labels, targets=None):
        return made(images)

    with pytest.raises(InputError, match=r"own: success\[0\]: .* found a rejection"):
        run(own, rejects, digits)


@pytest.mark.parametrize("target", ["any", "next", "best_of_all"])
def test_labels_and_targets_changed_in_place_do_not_change_what_counts(softmax_net, digits, target):
    def own(model, images, labels, targets=None):
        with torch.no_grad():
            answers = model(images).argmax(dim=1)
        labels.copy_((answers + 1) % 10)
        if targets is not None:
            targets.copy_(answers)
        return made(images)

    kept = digits[1][:N].clone()
    with pytest.raises(InputError, match=r"own: success\[\d\]: expected the answer to image"):
        run(own, softmax_net, digits, target)
    assert torch.equal(digits[1][:N], kept)


def test_failures_and_controls_are_not_judged(softmax_net, digits):
    def own(model, images, labels, targets=None):
        return made(images, success=torch.zeros(len(images), dtype=torch.bool))

    assert not run(own, softmax_net, digits)["success"].any()
    same = run(identity, softmax_net, digits)
    assert same["success"].all()
    assert (same["attacked_prediction"] == same["prediction"]).all()


@pytest.mark.parametrize("attack", [closest, lbfgs], ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("target", ["any", "next"])
def test_every_success_of_the_packages_attacks_is_one_whatever_the_chunk(
    sigmoid_net, digits, attack, target
):
    data = Images(digits[0][:70], digits[1][:70], np.arange(70), "train", 10, UNIT_BOX)
    for chunk in (1, 33, 70):
        found = attack_all(
            attack, sigmoid_net, data, others=data, target=target, seed=0, chunk=chunk,
            settings={},
        )  # fmt: skip
        aim = found["attacked_prediction"] == found["target"]
        wrong = found["attacked_prediction"] != found["label"]
        assert (wrong if target == "any" else aim).all()


@pytest.mark.parametrize("control", [gaussian, sphere, other_image])
def test_what_a_control_does_not_clip_may_leave_the_box(softmax_net, digits, control):
    setting = {"std": 0.5} if control is gaussian else {"distortion": 0.5, "matched": False}
    found = run(control, softmax_net, digits, clip=False, **setting)
    assert found["image"].min() < 0


def test_a_control_of_ones_own_may_return_images_alone(softmax_net, digits):
    @families.control
    def own(model, images, labels, targets=None, *, by=0.5):
        return images * by

    data = Images(digits[0][:N].clone(), digits[1][:N], np.arange(N), "train", 10, UNIT_BOX)
    without = call(own, None, data, None, seed=0, others=data, settings={})
    assert torch.equal(without.images, data.images * 0.5) and without.success.all()
    assert without.status.tolist() == [Status.CONVERGED] * N
    judged = run(own, softmax_net, digits, by=1)  # a success of the attack, but no error of the net
    assert judged["success"].all() and (judged["l2"] == 0).all()
    with pytest.raises(InputError, match=r"own: images\[0\]: expected pixels in \[0, 1\]"):
        call(own, None, data, None, seed=0, others=data, settings={"by": 9})


def test_an_attack_of_ones_own_made_of_a_control_keeps_the_box(softmax_net, digits):
    def own(model, images, labels, targets=None):
        return gaussian(None, images, labels, std=0.5, clip=False)

    with pytest.raises(InputError, match=r"own: images\[\d\]: expected pixels in \[0, 1\]"):
        run(own, softmax_net, digits)


def test_no_setting_of_an_attack_of_ones_own_opens_the_box(softmax_net, digits):
    def own(model, images, labels, targets=None, *, clip):
        return made(images, images=images + 3)

    with pytest.raises(InputError, match=r"own: images\[0\]: expected pixels in \[0, 1\]"):
        run(own, softmax_net, digits, clip=False)
