import pytest
import torch
import torchvision

from blindspots.interface import InputError
from blindspots.models.alexnet import MEAN, STD, alexnet


def test_takes_the_weights_of_torchvision_and_answers_as_its_network_does():
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(num_classes=7).eval()
    ours = alexnet((3, 96, 96), 7).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.rand(2, 3, 96, 96)
    normalise = torchvision.transforms.Normalize(MEAN, STD)
    with torch.no_grad():
        assert torch.allclose(ours(images), theirs(normalise(images)), rtol=1e-4, atol=1e-6)


def test_its_normalisation_is_that_of_the_published_weights():
    published = torchvision.models.AlexNet_Weights.IMAGENET1K_V1.transforms()
    assert (tuple(published.mean), tuple(published.std)) == (MEAN, STD)


def test_the_paper_s_widths_give_its_fully_connected_layers_9216_inputs():
    model = alexnet((3, 224, 224), 1000, widths=[96, 256, 384, 384, 256], groups=[1, 2, 1, 2, 2])
    assert model.classifier[1].in_features == 9216
    assert [tuple(layer.weight.shape) for layer in model.features if hasattr(layer, "groups")] == [
        (96, 3, 11, 11), (256, 48, 5, 5), (384, 256, 3, 3), (384, 192, 3, 3), (256, 192, 3, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((1, 224, 224), {}, "63 × 63 pixels or more for alexnet"),
        ((3, 62, 224), {}, "63 × 63 pixels or more for alexnet"),
        ((3, 64, 64), {"logits": 9}, "at least one for each of 10 classes, found 9"),
        ((3, 64, 64), {"widths": [64]}, "widths: expected five numbers"),
        ((3, 64, 64), {"groups": [3, 1, 1, 1, 1]}, "3 and 64 maps for convolution 1"),
    ],
)
def test_another_shape_or_number_of_layers_is_refused(shape, settings, message):
    with pytest.raises(InputError, match=message):
        alexnet(shape, 10, **settings)
