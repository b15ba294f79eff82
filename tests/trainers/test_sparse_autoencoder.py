import pytest
import torch

from blindspots.files import weights
from blindspots.interface import InputError
from blindspots.trainers.sparse_autoencoder import sparse_autoencoder


def net():
    return weights.create("autoencoder", {"hidden": 5}, (1, 8, 8), 10)[0]


def written_out(model, images, rho, beta, decay):
    """The objective in one expression over all images, for autograd."""
    codes = model.encoder(images)
    error = (model.decoder(codes) - images).square().sum() / (2 * len(images))
    q = codes.mean(dim=0)
    kl = rho * (rho / q).log() + (1 - rho) * ((1 - rho) / (1 - q)).log()
    shrinkage = decay / 2 * sum(p.square().sum() for p in model.parameters() if p.ndim > 1)
    return error + beta * kl.sum() + shrinkage


def test_loss_and_gradient_are_those_of_the_objective_written_out(digits):
    images, labels = digits[0][:300], digits[1][:300]
    settings = {"sparsity": 0.2, "sparsity_weight": 2.0, "decay": 1e-2}
    model = net()
    expected = written_out(model, images, 0.2, 2.0, 1e-2)
    gradients = torch.autograd.grad(expected, list(model.parameters()))
    norm = torch.stack([g.norm() for g in gradients]).norm().item()
    rows, _ = sparse_autoencoder(model, images, labels, **settings, max_iterations=1, chunk=64)
    assert rows[0]["loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert rows[0]["gradient_norm"] == pytest.approx(norm, rel=1e-4)
    assert rows[-1]["loss"] == pytest.approx(
        written_out(model, images, 0.2, 2.0, 1e-2).item(), rel=1e-4
    )


def test_the_penalty_brings_the_mean_activity_to_the_sparsity_asked_for(digits):
    images, labels = digits
    model = net()
    sparse_autoencoder(model, images, labels, sparsity=0.1, sparsity_weight=100.0)
    activity = model.encoder(images).mean(dim=0)
    assert (activity - 0.1).abs().max() < 0.02


def test_refuses_a_model_without_encoder_and_decoder(digits):
    model, _ = weights.create("mlp", {"hidden": []}, (1, 8, 8), 10)
    with pytest.raises(InputError, match="expected parts encoder and decoder"):
        sparse_autoencoder(model, *digits)
