"""One step along the gradient's signs (Goodfellow et al. 2014), as far as a radius allows."""

import torch
from torch.nn.functional import cross_entropy

from blindspots.families import budget


@budget("linf")
def signs(model, images, labels, targets=None, *, eps: float, box):
    inputs = images.clone().requires_grad_()
    away = targets is None  # from the label, or towards the target
    loss = cross_entropy(model(inputs), labels if away else targets)
    (gradient,) = torch.autograd.grad(loss if away else -loss, inputs)
    return (images + eps * gradient.sign()).clamp(*box)
