"""AlexNet in one column, with torchvision's names for its weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from blindspots.interface import InputError

WIDTHS = (64, 192, 384, 256, 256)
"""Channels of the five convolutions in Krizhevsky 2014, "One weird trick", as in torchvision."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's pixels per channel, for normalisation."""


class AlexNet(nn.Module):
    """The network; see `alexnet`."""

    mean: Tensor
    std: Tensor

    def __init__(self, classes: int, widths: Sequence[int], groups: Sequence[int]) -> None:
        super().__init__()
        a, b, c, d, e = widths
        one, two, three, four, five = groups
        self.features = nn.Sequential(
            nn.Conv2d(3, a, 11, stride=4, padding=2, groups=one),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(a, b, 5, padding=2, groups=two),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(b, c, 3, padding=1, groups=three),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, d, 3, padding=1, groups=four),
            nn.ReLU(inplace=True),
            nn.Conv2d(d, e, 3, padding=1, groups=five),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(36 * e, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, classes),
        )
        for name, values in (("mean", MEAN), ("std", STD)):  # constants: not among the weights
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images.

        Args:
            images: (n, 3, height, width) in [0, 1].

        Returns:
            (n, classes).
        """
        maps = self.features((images - self.mean) / self.std)
        return self.classifier(self.avgpool(maps).flatten(1))


def alexnet(
    shape: Sequence[int],
    classes: int,
    *,
    widths: Sequence[int] = WIDTHS,
    groups: Sequence[int] = (1, 1, 1, 1, 1),
    logits: int | None = None,
) -> AlexNet:
    """AlexNet of Krizhevsky, Sutskever and Hinton 2012, without response normalisation.

    Takes torchvision's weights for its default widths. Table 5 of Szegedy et al. 2013 has the
    widths 96, 256, 384, 384, 256; the network of 2012 has these with groups 1, 2, 1, 2, 2.

    Args:
        shape: (3, height, width) of an image in [0, 1], at least 63 × 63 pixels, usually 224.
        classes: number of classes.
        widths: channels of the five convolutions.
        groups: groups of the five convolutions.
        logits: number of logits, if more than the classes, as in published weights.

    Returns:
        Images (n, *shape) to logits (n, classes), normalised inside. PyTorch's initial weights.

    Raises:
        InputError: images of another shape, not five numbers, groups that do not divide, or
            fewer logits than classes.
    """
    if len(shape) != 3 or shape[0] != 3 or min(shape[1:]) < 63:
        raise InputError(
            "model: expected images (3, height, width) of 63 × 63 pixels or more for alexnet, "
            f"found shape {tuple(shape)}"
        )
    for name, numbers in (("widths", widths), ("groups", groups)):
        if len(numbers) != 5 or min(numbers) < 1:
            raise InputError(
                f"model: {name}: expected five numbers of 1 or more, one for each convolution, "
                f"found {list(numbers)}"
            )
    sides = zip((3, *widths[:-1]), widths, groups, strict=True)
    for number, (inputs, outputs, parts) in enumerate(sides, start=1):
        if inputs % parts or outputs % parts:
            raise InputError(
                f"model: groups: expected parts of {inputs} and {outputs} maps for convolution "
                f"{number} of alexnet, found {parts}"
            )
    if logits is not None and logits < classes:
        raise InputError(
            f"model: logits: expected at least one for each of {classes} classes, found {logits}"
        )
    return AlexNet(logits or classes, widths, groups)
