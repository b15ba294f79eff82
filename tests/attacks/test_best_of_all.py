import numpy as np
import torch

from blindspots.attacks import closest, gaussian, lbfgs, other_image
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX
from blindspots.jobs.attacking import attack_all

N = 30


def run(attack, model, digits, target, chunk=N, settings=None):
    data = Images(digits[0][:N], digits[1][:N], np.arange(N), "train", 10, UNIT_BOX)
    return attack_all(
        attack, model, data, others=data, target=target, seed=0, chunk=chunk,
        settings=settings or {},
    )  # fmt: skip


def test_the_best_of_all_targets_is_the_nearest_of_what_each_class_gives(softmax_net, digits):
    best = run(closest, softmax_net, digits, "best_of_all")
    images, labels = digits[0][:N], digits[1][:N]
    answers = softmax_net(images).argmax(dim=1)
    every = np.full((N, 10), np.inf)
    for target in range(10):
        at = ((labels != target) & (answers != target)).nonzero()[:, 0]
        found = closest(softmax_net, images[at], labels[at], torch.full_like(at, target))
        every[at, target] = found.l2.numpy()
    assert best["success"].all()
    assert np.allclose(best["l2"], every.min(axis=1), rtol=1e-4)
    assert (best["target"] == every.argmin(axis=1)).all()
    assert (best["attacked_prediction"] == best["target"]).all()


def test_its_passes_are_those_of_all_attempts(softmax_net, digits):
    best = run(lbfgs, softmax_net, digits, "best_of_all")
    one = run(lbfgs, softmax_net, digits, "random")
    assert best["forwards"].sum() > 5 * one["forwards"].sum()


def test_one_class_for_all_images_is_a_target(softmax_net, digits):
    found = run(lbfgs, softmax_net, digits, 3)
    free = (found["label"] != 3) & (found["prediction"] != 3)
    assert (found["target"][free] == 3).all()
    assert (found["attacked_prediction"] == found["target"]).all()


def test_an_attack_sees_all_images_of_its_job_whatever_the_chunk(softmax_net, digits):
    whole, cut = (run(other_image, softmax_net, digits, "any", chunk=c) for c in (N, 7))
    assert np.array_equal(whole["image"], cut["image"])
    noise = run(gaussian, softmax_net, digits, "any", settings={"distortion": 0.1})
    assert np.allclose(noise["distortion"], 0.1, rtol=1e-5)
