"""Toy of an attack within a radius: every pixel brighter by it, which changes no stripe."""

from blindspots.families import budget


@budget("linf")
def brightened(model, images, labels, targets, *, eps, box):
    return (images + eps).clamp(*box)
