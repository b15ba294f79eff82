"""Bad input ends a run early with one line that names it; finished results are kept."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from blindspots.files import tables, weights
from tests.conftest import ROOT
from tests.workflow.conftest import Workflow


def line_with(text, *parts):
    """Return the lines of an output that contain all parts."""
    return [line for line in text.splitlines() if all(part in line for part in parts)]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lambda c: c.update(sedes=[0]), ["my.yaml", "'sedes'", "did you mean 'seeds'"]),
        (
            lambda c: c["nets"]["linear"]["trainer"].update(method="lbfg"),
            ["nets.linear.trainer.method", "'lbfg'", "did you mean 'lbfgs'"],
        ),
        (
            lambda c: c["nets"]["linear"]["trainer"].update(decay=-0.1),
            ["nets.linear.trainer.decay", "expected at least 0", "found -0.1"],
        ),
        (lambda c: c.update(measurements=5), ["my.yaml", "measurements: expected", "5"]),
    ],
    ids=["misspelt key", "unknown method", "negative decay", "a number for a section"],
)
def test_a_wrong_config_ends_the_run_before_any_job_and_loses_nothing(copied, change, parts):
    before = copied.tables()
    change(copied.config)
    ended = copied.run()
    assert ended.returncode != 0
    assert len(line_with(ended.stdout, *parts)) == 1
    assert "Traceback" not in ended.stdout
    assert "rule " not in ended.stdout
    assert copied.tables() == before


def test_a_split_larger_than_the_data_ends_before_training(workflow):
    workflow.config["splits"] = {"validation": 0, "p1": 1000, "p2": 1000}
    ended = workflow.run()
    assert ended.returncode != 0
    assert line_with(
        ended.stdout, "splits", "expected p1 + p2 to be at most 1437", "found 1000 + 1000"
    )
    assert "Traceback" not in ended.stdout
    assert not (workflow.results / "nets").exists()


def test_a_net_to_be_trained_on_an_empty_part_is_named_before_any_training(workflow):
    workflow.config["splits"]["validation"] = 0
    workflow.config["nets"]["coded"]["train_on"] = "validation"
    ended = workflow.run()
    assert line_with(ended.stdout, "nets.coded.train_on: expected a part with images", "without")
    assert not (workflow.results / "nets").exists()


def test_more_images_than_the_part_has_are_named(copied):
    copied.config["experiments"]["both"]["n"] = 500
    ended = copied.run()
    assert line_with(ended.stdout, "expected n to be at most 360", "'test'", "found 500")


def test_a_fault_that_a_job_finds_has_its_line_at_the_end_of_the_run(copied):
    copied.config["attacks"]["lbfgs"]["target"] = 99
    ended = copied.run()
    line = copied.line("    target: 99")
    told = f"my.yaml, line {line}: attacks.lbfgs.target: expected a class from 0 to 9, found 99"
    assert line_with(ended.stdout, "logs/small/attack/lbfgs/", told)


def test_a_distortion_by_which_no_pixel_can_be_moved_is_named_before_any_training(workflow):
    workflow.config["experiments"]["both"]["distortions"] = [0.5, 1.0, 8]
    ended = workflow.run()
    assert line_with(
        ended.stdout, "experiments.both.distortions: expected at most 1, by which", "found 8"
    )
    assert not (workflow.results / "nets").exists()


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_wrong_data_file_is_named_at_once(workflow, shared_data, damage):
    raw = workflow.folder / "data/MNIST/raw"
    raw.mkdir(parents=True)
    for path in (shared_data / "MNIST/raw").iterdir():
        (raw / path.name).symlink_to(path)
    name = "t10k-labels-idx1-ubyte"
    content = bytearray((raw / name).read_bytes())
    (raw / name).unlink()
    if damage == "truncated":
        (raw / name).write_bytes(content[:-100])
    elif damage == "altered":
        content[100] ^= 1
        (raw / name).write_bytes(content)
    workflow.config["data"] = {"method": "mnist", "root": "data"}
    ended = workflow.run()
    assert ended.returncode != 0
    assert line_with(ended.stdout, f"data/MNIST/raw/{name}", "expected", "found")
    assert "Traceback" not in ended.stdout
    assert not workflow.results.exists() or not list(workflow.results.rglob("*.parquet"))


def test_weights_of_another_shape_are_named_with_the_tensor(workflow):
    model, _ = weights.create("mlp", {"hidden": [7]}, (1, 8, 8), 10)
    save_file(model.state_dict(), workflow.folder / "w.safetensors")
    workflow.config["nets"]["linear"] = {
        "model": {"method": "mlp", "hidden": [9]}, "weights": "w.safetensors",
    }  # fmt: skip
    ended = workflow.run()
    assert ended.returncode != 0
    assert line_with(ended.stdout, "w.safetensors: tensor '1.bias': expected 9, found 7")
    assert "Traceback" not in ended.stdout


def test_a_folder_of_images_that_is_not_there_is_named(workflow):
    workflow.config["data"] = {"method": "mnist", "root": "nowhere"}
    ended = workflow.run()
    line = workflow.line("  root: nowhere")
    told = f"my.yaml, line {line}: data.root: nowhere: expected a folder with the images"
    assert line_with(ended.stdout, told, "found none; correct the path, which is relative to")
    assert "rule " not in ended.stdout


def test_weights_that_are_not_there_are_named(workflow):
    workflow.config["nets"]["linear"] = {
        "model": {"method": "mlp"}, "weights": "nowhere.safetensors",
    }  # fmt: skip
    ended = workflow.run()
    assert ended.returncode != 0
    line = workflow.line("    weights: nowhere.safetensors")
    start = f"my.yaml, line {line}: nets.linear.weights: nowhere.safetensors: expected"
    assert line_with(ended.stdout, start, "found none")
    assert "rule " not in ended.stdout


def test_a_checkout_in_a_folder_with_braces_is_named(tmp_path):
    checkout = tmp_path / "a {checkout}"
    checkout.symlink_to(ROOT)
    ended = Workflow(tmp_path / "run", checkout).run("--dry-run")
    assert ended.returncode != 0
    assert line_with(ended.stdout, f"{checkout}: expected a checkout in a folder without braces")
    assert "Traceback" not in ended.stdout


def test_an_output_folder_that_cannot_be_written_to_ends_the_run_at_once(workflow):
    (workflow.folder / "results").write_text("a file where the folder should be")
    ended = workflow.run()
    assert ended.returncode != 0
    assert line_with(ended.stdout, "results", "expected a writable folder")
    assert "rule " not in ended.stdout


def test_a_net_without_a_known_bound_is_left_out_and_ends_the_run_where_it_is_required(copied):
    copied.config["nets"]["linear"]["model"] = {"method": "tests.nets:mish"}
    copied.config["certificates"]["near"] = {"method": "local", "n": 3}
    reason = "layer '2' (Mish): expected a layer with a known Lipschitz bound"
    copied.config["measurements"] = {"bounds": {"method": "layers", "required": True}}
    ended = copied.run()
    assert ended.returncode != 0
    assert line_with(ended.stdout, "linear.s0.log", "measurements.bounds", reason)
    kept = copied.results / "attacks/lbfgs/linear.s0/digits/test.parquet"
    assert kept.exists()  # as the rest
    del copied.config["measurements"]
    copied.config["certificates"]["product"]["required"] = True
    ended = copied.run("results/small/certificates/product/linear.s0.parquet")
    assert ended.returncode != 0
    assert line_with(ended.stdout, "linear.s0.log", reason, "certificates.product.nets")
    del copied.config["certificates"]["product"]["required"]
    ended = copied.run()
    assert ended.returncode == 0, ended.stdout
    path = copied.results / "measurements/layers/linear.s0/lipschitz.parquet"
    (layer,) = tables.read(path).to_pylist()
    assert layer["bound"] is None and layer["reason"].startswith(reason)
    for name, n in (("near", 3), ("product", 20)):
        radii = tables.read(copied.results / f"certificates/{name}/linear.s0.parquet").to_pandas()
        assert len(radii) == n
        assert radii["radius"].isna().all() and (radii["status"] == "UNSUPPORTED").all()
        assert radii["reason"].str.startswith(reason).all()
        others = tables.read(copied.results / f"certificates/{name}/coded.s0.parquet").to_pandas()
        assert (others["radius"] >= 0).all() and (others["status"] == "CONVERGED").all()
    log = (copied.folder / "logs/small/certify/near/linear.s0.log").read_text("utf-8")
    assert line_with(log, "certificates.near, net linear: left out", reason)
    page = (copied.results / "report.html").read_text("utf-8")
    assert page.count(reason.partition("'2' ")[2]) >= 2  # tables of layers and of the ledger


def test_a_net_that_does_not_classify_is_not_certified(workflow):
    workflow.config["nets"]["linear"] = workflow.config["nets"]["coder"]
    ended = workflow.run("results/small/certificates/product/linear.s0.parquet")
    assert ended.returncode != 0
    assert line_with(ended.stdout, "net linear: expected a net that classifies")
    assert "Traceback" not in ended.stdout


def test_a_net_that_names_a_function_which_the_config_does_not_is_not_loaded(copied):
    path = copied.results / "nets/linear.s0/weights.safetensors"
    spec = weights.spec_of(path) | {"method": "their_lab:net"}
    (copied.folder / "their_lab.py").write_text("open('was-run', 'w')\n")
    weights.save(path, weights.load(path), spec)
    ended = copied.run("--until", "attack")
    assert ended.returncode != 0
    assert line_with(ended.stdout, "linear.s0/weights", "made by 'their_lab:net', which could run")
    assert not (copied.folder / "was-run").exists()


TRAINER = """
from blindspots.interface import Status


def nudge(model, images, labels, *, step: float, seed=None, classes=None):
    assert classes == 10 and isinstance(seed, int)
    for parameter in model.parameters():
        parameter.data += step
    return [{"iteration": 0, "seconds": 0.0, "kindness": 1.0}], Status.CONVERGED
"""


def test_a_users_model_trainer_and_weights_take_part(workflow):
    model, _ = weights.create("tests.nets:two_layers", {}, (1, 8, 8), 10, seed=5)
    torch.save(model.state_dict(), workflow.folder / "given.pth")
    workflow.config["nets"]["linear"] = {
        "model": {"method": "tests.nets:two_layers"}, "weights": "given.pth",
    }  # fmt: skip
    (workflow.folder / "my_lab.py").write_text(TRAINER)
    workflow.config["nets"]["coded"]["trainer"] = {"method": "my_lab:nudge", "step": 0.5}
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    taken = weights.load(
        workflow.results / "nets/linear.s0/weights.safetensors", own=["tests.nets:two_layers"]
    )
    assert torch.equal(taken[1].weight, model[1].weight)
    assert re.search(r"adopt\s+1", ended.stdout)
    head = weights.load(workflow.results / "nets/coded.s0/weights.safetensors").head
    assert (head.bias == 0.5).all()
    history = tables.read(workflow.results / "nets/coded.s0/history.parquet")
    assert history["kindness"].to_pylist() == [1.0]


MODEL = """
import torch
from blindspots.limits import OwnWeights


def stored(shape, classes, *, path: OwnWeights):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, classes))
    model.load_state_dict(torch.load(path, weights_only=True))
    return model
"""


def test_a_users_model_that_brings_its_weights_is_taken_as_it_is_and_again_when_they_change(
    workflow,
):
    (workflow.folder / "my_lab.py").write_text(MODEL)
    given = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    workflow.config["nets"]["linear"] = {"model": {"method": "my_lab:stored", "path": "w.pth"}}
    target = "results/small/nets/linear.s0/weights.safetensors"
    for value in (0.5, 0.25):
        given[1].weight.data.fill_(value)
        torch.save(given.state_dict(), workflow.folder / "w.pth")
        ended = workflow.run(target)
        assert ended.returncode == 0, ended.stdout
        assert re.search(r"adopt\s+1", ended.stdout)
        assert (load_file(workflow.folder / target)["1.weight"] == value).all()
    assert "Nothing to be done" in workflow.run(target).stdout


def test_a_model_and_weights_that_do_not_fit_the_images_are_said_with_their_net(workflow):
    weights = {"1.weight": torch.zeros(10, 63), "1.bias": torch.zeros(10)}
    torch.save(weights, workflow.folder / "w.pth")
    nets = workflow.config["nets"]
    model, spare = nets["linear"]["model"], dict(nets["linear"])
    for net, target, told in (
        ({"model": "lenet", **{k: v for k, v in spare.items() if k != "model"}},
         "train", "config: nets.linear: model: expected images (channels, height, width) of 12 ×"),
        ({"model": model, "weights": "w.pth"}, "adopt", "config: nets.linear.weights: w.pth: te"),
    ):  # fmt: skip
        nets["linear"] = net
        ended = workflow.run(f"results/{workflow.config['run']}/nets/linear.s0/weights.safetensors")
        assert ended.returncode != 0
        assert line_with(ended.stdout, f"{target}/linear.s0.log: {told}"), ended.stdout


def test_an_error_in_a_users_code_is_said_with_its_line_and_kept_in_the_log(workflow):
    (workflow.folder / "my_lab.py").write_text(
        "import numpy as np\n\n\ndef images():\n    return np.load(3)\n"
    )
    workflow.config["data"] = {"method": "my_lab:images"}
    ended = workflow.run()
    assert ended.returncode != 0
    said = [line.strip() for line in line_with(ended.stdout, "my_lab.py, line 5: ")]
    assert any(line.startswith("my_lab.py, line 5: your code ended with ") for line in said)
    assert all("; correct it; the traceback is in logs/" in line for line in said)
    assert "Traceback" not in ended.stdout
    (log,) = (workflow.folder / "logs" / workflow.config["run"] / "prepare").glob("*.log")
    assert "Traceback" in log.read_text("utf-8")
