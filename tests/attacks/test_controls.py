import pytest
import torch

from blindspots.attacks import gaussian, identity, other_image, sphere
from blindspots.config import traits
from blindspots.interface import InputError, Status

LABELS = torch.zeros(60, dtype=torch.int64)
IMAGES = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
DARK = IMAGES * (IMAGES > 0.7)  # most pixels at a bound, as MNIST's are


def test_the_report_says_the_same_of_every_control_that_may_be_clipped():
    said = traits.constants("attacks", "READINGS")  # each reads it from its own source
    of = [said[control]["clipping"] for control in ("gaussian", "sphere", "other_image")]
    assert of == of[:1] * 3


def test_the_identity_changes_nothing():
    found = identity(None, IMAGES, LABELS)
    assert torch.equal(found.images, IMAGES)
    assert found.success.all()
    assert (found.forwards == 0).all()


@pytest.mark.parametrize("control", [gaussian, sphere, other_image])
@pytest.mark.parametrize("images", [IMAGES, DARK])
def test_a_matched_distortion_is_that_after_clipping(control, images):
    found = control(None, images, LABELS, distortion=0.15)
    assert found.success.all()
    assert torch.allclose(found.distortion, torch.full_like(found.distortion, 0.15), rtol=1e-5)
    assert ((found.images >= 0) & (found.images <= 1)).all()


@pytest.mark.parametrize("control", [gaussian, sphere, other_image])
def test_every_image_may_have_a_distortion_of_its_own(control):
    wanted = torch.linspace(0, 0.2, 60, dtype=torch.float64)
    found = control(None, DARK, LABELS, distortion=wanted)
    assert torch.allclose(found.distortion, wanted, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("control", [gaussian, sphere, other_image])
def test_a_distortion_that_the_box_has_no_room_for_is_a_status(control):
    wanted = torch.full((60,), 0.1, dtype=torch.float64)
    wanted[7] = 2.0
    found = control(None, IMAGES, LABELS, distortion=wanted)
    assert found.status[7] == Status.INFEASIBLE
    assert not found.success[7]
    assert torch.equal(found.images[7], IMAGES[7])
    assert found.success.sum() == 59


@pytest.mark.parametrize("control", [sphere, other_image])
def test_an_unmatched_distortion_is_that_before_clipping(control):
    free = control(None, DARK, LABELS, distortion=0.3, matched=False, clip=False)
    assert torch.allclose(free.distortion, torch.full_like(free.distortion, 0.3), rtol=1e-5)
    clipped = control(None, DARK, LABELS, distortion=0.3, matched=False)
    assert (clipped.distortion <= 0.3 + 1e-6).all()
    assert ((clipped.images >= 0) & (clipped.images <= 1)).all()


def test_directions_on_the_sphere_have_no_preference():
    images = torch.full((4000, 1, 2, 2), 0.5)
    labels = torch.zeros(4000, dtype=torch.int64)
    change = sphere(None, images, labels, distortion=0.1).perturbation / 0.2
    assert change.mean(dim=0).abs().max() < 0.04
    assert torch.allclose(change.T @ change / 4000, torch.eye(4).double() / 4, atol=0.02)


def test_another_image_is_approached_along_a_straight_line():
    found = other_image(None, IMAGES, LABELS, distortion=0.1)
    change = found.perturbation
    directions = (IMAGES[:, None] - IMAGES[None]).double().flatten(2)
    cosine = -torch.einsum("ijd,id->ij", directions, change)
    cosine = cosine / directions.norm(dim=2).clamp_min(1e-9) / change.norm(dim=1)[:, None]
    nearest = cosine.max(dim=1)
    assert torch.allclose(nearest.values, torch.ones(60, dtype=torch.float64), atol=1e-5)
    assert len(nearest.indices.unique()) > 25
    assert not (nearest.indices == torch.arange(60)).any()


def test_the_other_image_depends_on_the_seed_the_image_and_the_pool_alone():
    whole = other_image(None, IMAGES, LABELS)
    part = other_image(None, IMAGES[20:30], LABELS[20:30], others=IMAGES, rows=range(20, 30))
    assert torch.equal(whole.images[20:30], part.images)
    assert not torch.equal(whole.images, other_image(None, IMAGES, LABELS, seed=1).images)


def test_an_image_alone_has_no_other():
    with pytest.raises(InputError, match=r"images\[0\]: expected another image"):
        other_image(None, IMAGES[:1], LABELS[:1])


@pytest.mark.parametrize(
    ("distortion", "message"),
    [
        (-0.1, r"distortion\[0\]: expected 0 or more, found -0.1"),
        (torch.ones(3), r"distortion: expected one, or one for each of the 60 images"),
        (float("nan"), r"distortion\[0\]: expected 0 or more, found nan"),
    ],
)
def test_refuses_what_is_no_distortion(distortion, message):
    with pytest.raises(InputError, match=message):
        sphere(None, IMAGES, LABELS, distortion=distortion)
