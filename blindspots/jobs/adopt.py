"""Nets that no job trains: read from a file or a checkpoint, or built from their parents."""

import torch

from blindspots.config import traits
from blindspots.files import steps, weights
from blindspots.interface import InputError
from blindspots.jobs.job import saying
from blindspots.jobs.train import created
from blindspots.randomness import derived_seed


def adopted(snakemake, shape, classes):
    """Return the model of a job's net with its weights, and its spec.

    Args:
        snakemake: the job's `snakemake` object.
        shape: shape of an image.
        classes: number of logits.

    Raises:
        InputError: weights of another model; or no weights for a model with parameters of its own.
    """
    net = snakemake.params.net
    seed = derived_seed(net["seed"], net["name"])
    model, spec = created(snakemake, shape, classes, seed)
    if net["checkpoint"] is not None:
        steps.load(model, snakemake.input.checkpoints, net["checkpoint"]["step"])
    elif net["weights"] is None:
        _assert_made_of_parents(net, model, created(snakemake, shape, classes, seed + 1)[0])
    elif traits.own_weights(**net["model"]) is None:
        with saying(f"config: nets.{net['name']}.weights"):
            weights.check_spec(net["weights"], spec)
            weights.load_weights(model, net["weights"])
    return model, spec


def _assert_made_of_parents(net, model, other):
    """Refuse parameters that differ when the model is built again: they are not a parent's."""
    again = dict(other.named_parameters())
    for name, parameter in model.named_parameters():
        if name not in again or not torch.equal(parameter, again[name]):
            raise InputError(
                f"config: nets.{net['name']}: expected a model that is made of its parents alone, "
                f"found that {net['model']['method']} has parameters of its own ({name}); add a "
                "trainer and train_on, or weights"
            )
