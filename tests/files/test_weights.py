"""Users' files of weights: their kind is recognised by content and named in messages."""

import gzip
import re
import warnings
import zipfile

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn

from blindspots.files import weights
from blindspots.interface import InputError


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)
    )


@pytest.fixture
def trained():
    torch.manual_seed(0)
    model = network()
    model[1].running_var.uniform_(0.5, 2)
    return model.eval()


def read(path, model=None):
    model = network() if model is None else model
    weights.load_weights(model, path)
    return model


def same(model, other):
    mine, others = model.state_dict(), other.state_dict()
    return mine.keys() == others.keys() and all(torch.equal(mine[k], others[k]) for k in mine)


@pytest.mark.parametrize(
    "name",
    ["w.pth", "w.PT", "best.pth.tar", "pytorch_model.bin", "last.ckpt", "w", "w.safetensors"],
)
@pytest.mark.parametrize("form", ["safetensors", "torch.save", "torch.save of old"])
def test_the_content_of_a_file_counts_not_its_name(tmp_path, trained, name, form):
    if form == "safetensors":
        save_file(trained.state_dict(), tmp_path / name)
    else:
        new = form == "torch.save"
        torch.save(trained.state_dict(), tmp_path / name, _use_new_zipfile_serialization=new)
    assert same(read(tmp_path / name), trained)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {f"module._orig_mod.{name}": tensor for name, tensor in state.items()},
        lambda state: {name.replace(".", "._orig_mod."): t for name, t in state.items()},
        lambda state: {"state_dict": {f"model.{name}": t for name, t in state.items()}},
        lambda state: {"epoch": 3, "model": state, "optimizer": {"state": {0: {"step": 1}}}},
        lambda state: {name: t for name, t in state.items() if "num_batches" not in name},
    ],
    ids=["DataParallel", "compiled", "compiled layers", "Lightning", "training", "before 0.4.1"],
)
def test_what_wraps_the_weights_is_left_out(tmp_path, trained, change):
    torch.save(change(trained.state_dict()), tmp_path / "w.pth")
    assert same(read(tmp_path / "w.pth"), trained)


def test_a_checkpoint_with_two_sets_of_weights_is_refused(tmp_path, trained):
    state = trained.state_dict()
    torch.save({"model": state, "model_ema": state, "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"state_dicts: 'model', 'model_ema'; save one alone"):
        read(tmp_path / "w.pth")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_other_sizes_keep_their_values(tmp_path, trained, kind):
    half = trained.to(kind).state_dict()
    save_file(half, tmp_path / "w.safetensors")
    loaded = read(tmp_path / "w.safetensors").state_dict()
    for name, tensor in half.items():
        expected = tensor.float() if tensor.is_floating_point() else tensor
        assert torch.equal(loaded[name], expected)
        assert loaded[name].dtype == expected.dtype


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
        self.b.weight = self.a.weight


def test_one_name_is_enough_for_a_shared_tensor_and_two_must_agree(tmp_path):
    model = Tied()
    save_model(model, tmp_path / "one.safetensors")
    torch.save(model.state_dict(), tmp_path / "both.pth")
    for file in ("one.safetensors", "both.pth"):
        assert torch.equal(read(tmp_path / file, Tied()).b.weight, model.a.weight)
    torch.save({"a.weight": torch.zeros(8, 8), "b.weight": torch.ones(8, 8)}, tmp_path / "no.pth")
    with pytest.raises(InputError, match=r"'b\.weight': expected the values of 'a\.weight', w"):
        read(tmp_path / "no.pth", Tied())


def altered(state, change):
    return {name: change(t) if t.is_floating_point() else t for name, t in state.items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.to(torch.complex64), "expected floating-point numbers, found torch.complex64"),
        (
            lambda t: (100 * t).to(torch.int8),
            "expected floating-point numbers, found torch.int8; take",
        ),
        (
            lambda t: t.to(torch.float8_e4m3fn),
            "expected floating-point numbers, found torch.float8",
        ),
        (lambda t: t * torch.nan, "expected finite numbers, found 4 of 4 that are not; its train"),
        (lambda t: t / 0, "expected finite numbers, found 4 of 4"),
        (lambda t: t.double() * 1e300, "expected finite numbers, found 4 of 4"),
        (lambda t: t.to_sparse(), "expected a dense tensor, found torch.sparse_coo"),
    ],
    ids=["complex", "int8", "float8", "nan", "infinite", "too large", "sparse"],
)
def test_what_are_no_weights_is_refused_with_the_tensor(tmp_path, trained, change, message):
    torch.save(altered(trained.state_dict(), change), tmp_path / "w.pth")
    with pytest.raises(InputError, match=rf"w\.pth: tensor '0\.bias': {message}"):
        read(tmp_path / "w.pth")


def test_names_of_another_model_are_shown(tmp_path):
    save_file({"conv.weight": torch.zeros(4, 1, 3, 3)}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"tensor '0.bias': .* found none \(but 'conv.weight'\)"):
        read(tmp_path / "w.safetensors")


def scripted(path, model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.save(torch.jit.trace(model, torch.rand(1, 1, 8, 8)), path)


def exported(path, model):
    torch.export.save(torch.export.export(model, (torch.rand(1, 1, 8, 8),)), path)


def compressed(path, model):
    torch.save(model.state_dict(), path.with_suffix(".whole"))
    with (
        zipfile.ZipFile(path.with_suffix(".whole")) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))


def written(content):
    return lambda path, model: path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path, model: torch.save(model, path), "pickled Python objects (torch.nn.modules.c"),
        (scripted, "found a TorchScript program; save model.state_dict() alone"),
        (exported, "found a program of torch.export.save, .*; name it as model: {method: exported"),
        (compressed, "found a compressed archive; save"),
        (lambda path, model: torch.save([torch.zeros(1)], path), "found list; save"),
        (lambda path, model: torch.save({1: torch.zeros(1)}, path), "found a mapping of 1; save"),
        (written(gzip.compress(b"weights" * 9)), "found a compressed file; unpack it"),
        (written(b"\x89HDF\r\n\x1a\n" + b"\0" * 50), "found HDF5, as Keras writes it; build the"),
        (written(b"no weights at all"), "found a file that begins with b'no weigh'; save"),
        (
            written(b"\x80\x04 no pickle at all"),
            "found pickled Python objects (not by torch.save)",
        ),
        (written(b""), "found an empty file"),
        (written(b"version https://git-lfs.github.com/spec/v1\n"), "found a Git LFS pointer to it"),
        (written(b"\n<!DOCTYPE html><html>404</html>"), "found a web page; download the file itse"),
        (lambda path, model: path.mkdir(), "found a folder; name the file in it"),
        (lambda path, model: path.symlink_to("gone.pth"), "found a link to gone.pth, which does"),
        (lambda path, model: None, "found none; correct the path"),
    ],
)
def test_files_of_other_kinds_are_named_for_what_they_are(tmp_path, trained, make, message):
    make(tmp_path / "w.pth", trained)
    message = re.escape(message).replace(r"\.\*", ".*")
    with pytest.raises(InputError, match=rf"w\.pth: expected .*{message}"):
        read(tmp_path / "w.pth")
