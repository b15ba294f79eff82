"""An attack of a user's own that breaks the contract is named with what it broke."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.attacks import _run, closest
from blindspots.attacks.gaussian import gaussian
from blindspots.interface import UNIT_BOX, AttackResult, InputError
from blindspots.parts import Images

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
    return _run.run(
        attack, model, data, others=data.images, target=target, seed=0, chunk=N,
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

    with pytest.raises(InputError, match="model: expected logits with a gradient by the images"):
        run(closest, Detached(), digits)
    with pytest.raises(InputError, match=r"finite logits \(n, classes\), found shape \(6, 10, 1\)"):
        run(closest, Map(), digits)


def test_what_is_not_clipped_may_leave_the_box(softmax_net, digits):
    found = run(gaussian, softmax_net, digits, std=0.5, clip=False)
    assert found["image"].min() < 0
