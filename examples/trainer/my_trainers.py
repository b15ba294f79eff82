"""Cross-entropy against smoothed labels (Szegedy et al. 2016, arXiv:1512.00567)."""

from torch.nn.functional import cross_entropy

from blindspots.limits import Share
from blindspots.trainers.loop import looped


@looped
def smoothed(model, images, labels, *, smoothing: Share = 0.1):
    def loss(x, y, step):
        logits = model(x)
        return cross_entropy(logits, y, label_smoothing=smoothing), {"error": logits.argmax(1) != y}

    return loss
