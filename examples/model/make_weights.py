"""Stands in for whoever trained your networks: writes the three files in data/."""

from pathlib import Path

import torch
from export import export
from my_nets import convolutional
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import cross_entropy

torch.set_num_threads(1)  # what is small is fastest so
digits = load_digits()
images = torch.from_numpy(digits.images[:, None] / 16).float()
labels = torch.from_numpy(digits.target).long()
train, _ = train_test_split(  # the test images of the dataset `digits` stay unseen
    range(len(labels)), test_size=0.2, random_state=0, stratify=labels
)


def trained(model):
    torch.manual_seed(0)
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        cross_entropy(model(images[train]), labels[train]).backward()
        optimiser.step()
    return model.eval()


Path("data").mkdir(exist_ok=True)
save_file(trained(convolutional((1, 8, 8), 10)).state_dict(), "data/small.safetensors")
torch.save(trained(convolutional((1, 8, 8), 10, width=16)).state_dict(), "data/wide.pth")

smooth = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(128, 10)
)
export(trained(smooth), (1, 8, 8), "data/smooth.pt2")
