import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from blindspots import __main__ as command
from blindspots import datasets
from blindspots.files import weights
from blindspots.trainers.lbfgs import lbfgs as train

ROOT = Path(__file__).parents[1]

torch.set_num_threads(1)  # fastest for small work, and steady next to other processes
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def unless(reason):
    """Skip a test that cannot run here, with its reason; fail if skipping is forbidden."""
    if reason and os.environ.get("BLINDSPOTS_REQUIRE_ALL"):
        pytest.fail(f"{reason}, and BLINDSPOTS_REQUIRE_ALL is set")
    if reason:
        pytest.skip(reason)


def seed():
    """Seed PyTorch, so that what a test draws is the same each time, whatever ran before."""
    torch.manual_seed(0)


seeded = pytest.fixture(autouse=True)(seed)
seeded_module = pytest.fixture(autouse=True, scope="module")(seed)  # before its fixtures


@pytest.fixture
def blindspots(tmp_path, monkeypatch, capsys):
    """A command in an empty folder; returns exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def given(*arguments):
        status = 0
        try:
            command.main(arguments)
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        if isinstance(status, str):  # what Python prints at exit
            status, err = 1, status
        return status, out, err

    return given


@pytest.fixture(scope="session")
def digits():
    """Training images and labels of the embedded dataset."""
    return datasets.load("digits", part="train")


@pytest.fixture(scope="session")
def softmax_net(digits):
    """FC10(1e-2) on digits: linear, so that its smallest perturbations are known exactly."""
    model, _ = weights.create("mlp", {"hidden": []}, (1, 8, 8), 10)
    train(model, *digits, decay=1e-2)
    return model


@pytest.fixture(scope="session")
def sigmoid_net(digits):
    """A small sigmoid network on digits."""
    model, _ = weights.create("mlp", {"hidden": [30, 30]}, (1, 8, 8), 10)
    train(model, *digits, decay=1e-5, tolerance=1e-2)
    return model


@pytest.fixture(scope="session")
def wrong_targets(digits):
    """A class other than the label for each training image."""
    _, labels = digits
    shift = torch.from_numpy(np.random.default_rng(0).integers(1, 10, len(labels)))
    return (labels + shift) % 10


@pytest.fixture(scope="session")
def shared_data():
    """The folder with MNIST's files and with networks that others trained."""
    folder = os.environ.get("BLINDSPOTS_DATA")
    unless("" if folder else "needs BLINDSPOTS_DATA, a folder that holds MNIST/raw")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, driven by playwright; nothing is downloaded."""
    path = shutil.which("chromium")
    unless("" if path else "needs chromium (Debian: chromium fonts-dejavu-core)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()
