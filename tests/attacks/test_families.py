"""Every attack in each of its norms and goals on linear nets, and the judge of its results."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.config import methods
from blindspots.families import budget, family_of, minimal
from blindspots.files.images import Images
from blindspots.interface import UNBOUNDED, Box, InputError
from blindspots.jobs.attacking import attack_all
from blindspots.threat.norms import NORMS

D, N, CLASSES = 8, 12, 3


@budget("linf", "l2", "l1")
def steps(model, images, labels, targets, *, eps, norm="linf", box, count=60):
    """Textbook projected gradient descent, in any norm, that returns images alone."""
    x, of = images.clone(), NORMS[norm]
    for step in range(count):
        x = x.detach().requires_grad_()
        logits = model(x)
        sign = 1 if targets is None else -1
        loss = nn.functional.cross_entropy(logits, labels if targets is None else targets)
        (gradient,) = torch.autograd.grad(sign * loss, x)
        length = eps / (2 + step)
        x = of.project(images, x.detach() + length * of.steepest(gradient), eps, box)
    return x


OURS = [methods.find("attacks", name) for name in methods.names("attacks")]
CASES = [
    pytest.param(attack, norm, goal, id=f"{attack.__name__}-{norm}-{goal}")
    for attack in [*OURS, steps]
    for norm in family_of(attack).norms
    for goal in ("any", 1)
]


def net(classes=CLASSES, seed=3, far=False):
    """A linear net; `far`: its last class is out of reach, so that there is only one boundary."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(D, classes))
    with torch.no_grad():
        model[1].weight.copy_(torch.from_numpy(rng.normal(size=(classes, D))))
        model[1].bias.zero_()
        if far:
            model[1].weight[-1] = 0
            model[1].bias[-1] = -30
    return model


def images(model, classes=CLASSES, box=UNBOUNDED, values=None):
    x = np.random.default_rng(5).normal(size=(N, 1, 2, D // 2)) if values is None else values
    x = torch.from_numpy(x).float()
    with torch.no_grad():
        labels = model(x).argmax(dim=1)
    return Images(x, labels, np.arange(N), "test", classes, box, "toy")


def columns(attack, model, data, target="any", **settings):
    return attack_all(
        attack, model, data, others=data, target=target, seed=0, chunk=5, settings=settings
    )


def exact(model, data, norm):
    """Return the distances (n,) to the nearest boundary."""
    weights, labels = model[1].weight.detach().double(), data.labels
    logits = data.images.double().flatten(1) @ weights.T + model[1].bias.detach().double()
    own = logits.gather(1, labels[:, None])
    change = weights[labels][:, None] - weights[None]
    order = {"l1": torch.inf, "l2": 2, "linf": 1}[norm]
    far = (own - logits) / change.norm(p=order, dim=2).clamp_min(1e-30)
    far[torch.arange(len(far)), labels] = torch.inf
    return far.amin(dim=1).numpy()


@pytest.mark.parametrize(("attack", "norm", "goal"), CASES)
def test_on_a_linear_net_what_is_found_is_what_geometry_says(attack, norm, goal):
    # With a third class out of reach there is one boundary, for the target and for any wrong class:
    # the penalty attack, which lowers a sum of probabilities, need not find the nearest of several.
    model = net(far=True)
    data = images(model)
    if goal != "any":
        data = data.at(np.flatnonzero(data.labels.numpy() == 0))
    wanted = exact(model, data, norm)
    named = {"norm": norm} if len(family_of(attack).norms) > 1 else {}
    if family_of(attack).kind == "minimal":
        found = columns(attack, model, data, goal, **named)
        assert found["success"].all()
        assert (found[norm] >= wanted * (1 - 1e-5)).all()
        assert np.asarray(found[norm]) == pytest.approx(wanted, rel=0.01)
        return
    radii = [0.0, *np.quantile(wanted, [0.2, 0.5, 0.8])]
    found = columns(attack, model, data, goal, eps=[float(r) for r in radii], **named)
    eps = found["eps"].reshape(len(wanted), -1)
    assert np.array_equal(eps, np.broadcast_to(radii, eps.shape))  # an image's radii together
    success = found["success"].reshape(len(wanted), -1)
    assert not (success & (wanted[:, None] > eps * (1 + 1e-5))).any()
    assert success[wanted[:, None] * 1.1 < eps].all()
    assert (found[norm] <= found["eps"] * (1 + 1e-5)).all()
    assert not np.ma.getmaskarray(found[norm]).any()  # failures keep what was tried


def test_a_failed_minimal_attack_is_a_row_with_the_original_and_no_lengths():
    def nothing(model, images, labels, targets):
        return images + 1e-4

    model = net()
    data = images(model)
    found = columns(nothing, model, data)
    assert not found["success"].any()
    assert np.array_equal(found["image"], data.images.numpy())
    for norm in ("l0", "l0_features", "l1", "l2", "linf", "distortion"):
        assert np.ma.getmaskarray(found[norm]).all()
    assert set(found["status"]) == {"NO_SUCCESS"}
    assert set(found["attacked_outcome"]) == {"RIGHT"}


@pytest.mark.parametrize("norm", ["l2", "linf", "l0"])
def test_of_several_images_the_judge_keeps_the_nearest_success_in_the_attacks_norm(norm):
    model = net()
    data = images(model)

    @minimal(norm)
    def many(model, images, labels, targets):
        draws = torch.Generator().manual_seed(0)
        shown = [images]  # the nearest image, but no success
        for share in (0.2, 0.5, 1.0):
            noise = 5 * torch.randn((20, *images.shape), generator=draws)
            shown += [*(images + noise * (torch.rand(noise.shape, generator=draws) < share))]
        return torch.stack(shown)

    found = columns(many, model, data)
    with torch.no_grad():
        tried = torch.cat([many(model, part.images, None, None) for part in data.chunks(5)], dim=1)
        answers = model(tried.flatten(0, 1)).argmax(dim=1).view(len(tried), N)
    change = tried.double() - data.images.double()
    far = torch.stack([NORMS[norm].length(one) for one in change])
    far[answers == data.labels] = torch.inf
    assert found["success"].all()
    assert np.asarray(found[norm]) == pytest.approx(far.amin(dim=0).numpy())


def test_of_several_images_with_a_radius_success_counts_first_and_then_the_margin():
    model = net()
    data = images(model)
    eps = float(np.median(exact(model, data, "linf")))

    @budget("linf")
    def corners(model, images, labels, targets, *, eps):
        draws = torch.Generator().manual_seed(1)
        signs = torch.randn((400, *images.shape), generator=draws).sign()
        return images + eps * signs

    found = columns(corners, model, data, eps=eps)
    tried = torch.cat(
        [corners(model, p.images, None, None, eps=eps) for p in data.chunks(5)], dim=1
    )
    with torch.no_grad():
        logits = model(tried.flatten(0, 1)).view(len(tried), N, -1).double()
    own = logits.gather(2, data.labels.expand(len(tried), N)[..., None])[..., 0]
    others = logits.scatter(2, data.labels.expand(len(tried), N)[..., None], -torch.inf)
    best = ((others.amax(dim=2) - own) / logits.abs().amax(dim=2)).amax(dim=0)
    kept = torch.from_numpy(found["image"])
    with torch.no_grad():
        z = model(kept).double()
    lead = (
        z.scatter(1, data.labels[:, None], -torch.inf).amax(dim=1)
        - z.gather(1, data.labels[:, None])[:, 0]
    )
    assert (lead / z.abs().amax(dim=1)).numpy() == pytest.approx(best.numpy(), abs=1e-6)
    assert 0 < found["success"].sum() < N


def test_a_candidate_beyond_its_radius_is_refused_with_its_image():
    @budget("l2")
    def far(model, images, labels, targets, *, eps):
        beyond = images.clone()
        beyond[2] += 1
        return beyond

    model = net()
    with pytest.raises(InputError, match=r"far: images\[2\]: .* within eps, 0.5 in l2, found one"):
        columns(far, model, images(model), eps=0.5)


def test_passes_are_counted_from_outside():
    @budget("linf")
    def some(model, images, labels, targets, *, eps):
        for _ in range(4):
            x = images.clone().requires_grad_()
            model(x).sum().backward()
        model(images)
        return images

    model = net().requires_grad_(requires_grad=False)
    found = columns(some, model, images(model), eps=0.1)
    assert set(found["forwards"]) == {5}
    assert set(found["backwards"]) == {4}


def test_after_rounding_to_eight_bits_an_attack_may_be_gone():
    model = net(2)
    levels = np.random.default_rng(0).integers(60, 190, size=(N, 1, 2, D // 2))
    data = images(model, 2, Box(0.0, 1.0), levels / 255)

    def across(model, images, labels, targets):
        """Just beyond the boundary, by less than a grey level, or by a clear step."""
        gap = model[1].weight[1] - model[1].weight[0]
        z = model(images)
        lead = (z[:, 1] - z[:, 0])[:, None]
        reach = torch.where(torch.arange(len(images)) % 2 == 0, 1.0005, 1.5)[:, None]
        moved = images.flatten(1) - reach * lead * gap / gap.square().sum()
        return moved.view_as(images).clamp(0, 1)

    found = columns(across, model, data)
    changed = found["success"]
    assert changed.any()
    rounded = np.round(found["image"] * 255) / 255
    with torch.no_grad():
        answers = model(torch.from_numpy(rounded).float()).argmax(dim=1).numpy()
    wrong = answers != data.labels.numpy()
    assert [o == "WRONG" for o in found["rounded_outcome"]] == wrong.tolist()
    assert found["rounded_success"][wrong].all()
    assert (found["success"] & ~wrong).any()  # gone
    assert not np.ma.getmaskarray(found["rounded_success"]).any()


def test_originals_of_other_levels_have_no_rounded_outcome(softmax_net, digits):
    data = Images(digits[0][:N], digits[1][:N], np.arange(N), "test", 10, Box(0.0, 1.0), "toy")
    found = columns(methods.find("attacks", "closest"), softmax_net, data)
    blank = np.ma.getmaskarray(found["rounded_success"])
    assert blank.any()  # digits have 17 levels
    assert [o is None for o in found["rounded_outcome"]] == blank.tolist()


def test_an_image_without_a_finite_answer_is_a_row_that_was_not_attacked():
    class Odd(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            z = self.inner(x)
            return torch.where((x.flatten(1)[:, :1] > 1), torch.nan, z)

    model = Odd(net())
    data = images(model.inner)
    found = columns(methods.find("attacks", "closest"), model, data)
    odd = data.images.flatten(1)[:, 0].numpy() > 1
    assert 0 < odd.sum() < N
    assert [status == "NON_FINITE" for status in found["status"]] == odd.tolist()
    assert [outcome is None for outcome in found["outcome"]] == odd.tolist()
    assert np.array_equal(np.ma.getmaskarray(found["prediction"]), odd)
    assert not found["success"][odd].any()
    assert np.array_equal(found["image"][odd], data.images.numpy()[odd])
