import pytest

N = 12


@pytest.fixture
def arguments(sigmoid_net, digits, wrong_targets):
    """Arguments that every attack takes, for a few images."""
    return {
        "model": sigmoid_net,
        "images": digits[0][:N],
        "labels": digits[1][:N],
        "targets": wrong_targets[:N],
    }
