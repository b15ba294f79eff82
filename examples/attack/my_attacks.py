"""The shortest step along the gradient's signs (Goodfellow et al. 2014) that changes the answer."""

import torch

from blindspots.interface import AttackResult, Status
from blindspots.threat.goals import SUCCESS_MARGIN, accepted_answers, cross_entropy, relative_margin


def signs(model, images, labels, targets=None, *, classes, box, steps: int = 64):
    inputs = images.clone().requires_grad_()
    logits = model(inputs)
    goal = accepted_answers(labels, targets, logits.shape[1], classes)
    _, slope = cross_entropy(logits.detach(), goal)
    (gradient,) = torch.autograd.grad(logits, inputs, slope)

    nearest, success = images.clone(), torch.zeros_like(labels, dtype=torch.bool)
    with torch.no_grad():
        for length in torch.linspace(1, 1 / steps, steps):  # the longest first
            tried = (images - length * (box.upper - box.lower) * gradient.sign()).clamp(*box)
            reached = relative_margin(model(tried), goal) >= SUCCESS_MARGIN
            nearest[reached] = tried[reached]
            success |= reached

    passes = torch.ones_like(labels)
    status = torch.where(success, int(Status.CONVERGED), int(Status.NO_SUCCESS))
    return AttackResult(images, nearest, success, status, passes * (1 + steps), passes)
