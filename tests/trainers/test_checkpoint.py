"""A killed training resumes from its last checkpoint and ends with the same weights."""

import io
from types import SimpleNamespace

import pytest
import torch

from blindspots.files import weights
from blindspots.trainers import adversarial_pools, lbfgs, sgd, sparse_autoencoder
from blindspots.trainers.checkpoint import Checkpoint

CASES = [
    (lbfgs.lbfgs, "mlp", {"hidden": [9]}, {"decay": 1e-4, "max_iterations": 60}),
    (sgd.sgd, "mlp", {"hidden": [9]}, {"epochs": 6, "seed": 4}),
    *(
        (
            adversarial_pools.adversarial_pools,
            "mlp",
            {"hidden": [9, 7]},
            {"epochs": 6, "seed": 4, "pool": 40, "max_norm": 3.0} | more,
        )
        for more in (
            {"begin": 2},  # killed before and after the pools are made
            {"kind": "noise", "begin": 0, "dropout_hidden": 0.2, "decay": 0.1},
            {"kind": "sign", "layers": "input", "dropout_input": 0.2},
        )
    ),
    (sparse_autoencoder.sparse_autoencoder, "autoencoder", {"hidden": 6}, {"max_iterations": 60}),
]


class Killed(BaseException):
    pass


def killed_after(rows):
    seen = []

    def progress(row):
        seen.append(row)
        if len(seen) > rows:
            raise Killed

    return progress


def net(method, settings):
    return weights.create(method, settings, (1, 8, 8), 10)[0].train()


def with_dropout(method, settings):
    model = net(method, settings)
    return torch.nn.Sequential(model[0], torch.nn.Dropout(0.2), *model[1:])


def with_batch_norm(method, settings):
    model = net(method, settings)
    return torch.nn.Sequential(*model[:2], torch.nn.BatchNorm1d(9), *model[2:])


def test_running_statistics_go_on_as_if_nothing_had_happened(digits, tmp_path):
    def trained(progress=None):
        model = with_batch_norm("mlp", {"hidden": [9]})
        checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "key", model, every=0)
        lbfgs.lbfgs(
            model, *digits, decay=1e-4, max_iterations=40, checkpoint=checkpoint, progress=progress
        )
        return model[2].running_var

    torch.manual_seed(0)
    expected = trained()
    (tmp_path / "checkpoint.pt").unlink()
    with pytest.raises(Killed):
        trained(killed_after(2))
    assert torch.equal(trained(), expected)


@pytest.mark.parametrize(("trainer", "method", "settings", "options"), CASES)
def test_killed_and_gone_on_it_ends_at_the_same_weights(
    trainer, method, settings, options, digits, tmp_path
):
    undisturbed = net(method, settings)
    expected, status = trainer(undisturbed, *digits, **options)
    path = tmp_path / "checkpoint.pt"
    for rows in (1, 2):  # twice: a resumed run is killed as well
        model = net(method, settings)
        checkpoint = Checkpoint(path, "key", model, every=0)
        with pytest.raises(Killed):
            trainer(model, *digits, **options, checkpoint=checkpoint, progress=killed_after(rows))
    model = net(method, settings)
    checkpoint = Checkpoint(path, "key", model, every=0)
    seen = []
    rows, ended = trainer(model, *digits, **options, checkpoint=checkpoint, progress=seen.append)
    assert ended == status
    assert 0 < len(seen) < len(expected) - 1  # it did not start from the beginning
    for name, tensor in undisturbed.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name
    seconds = [row.pop("seconds") for row in rows]
    assert seconds == sorted(seconds)
    assert rows == [{k: v for k, v in row.items() if k != "seconds"} for row in expected]


def test_what_the_global_generator_draws_goes_on_as_well(digits, tmp_path):
    def trained(epochs_before_the_kill=None):
        model = with_dropout("mlp", {"hidden": [9]})
        checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "key", model, every=0)
        torch.manual_seed(0)
        progress = None if epochs_before_the_kill is None else killed_after(epochs_before_the_kill)
        sgd.sgd(model, *digits, epochs=4, checkpoint=checkpoint, progress=progress)
        return model[-1].weight

    expected = trained()
    (tmp_path / "checkpoint.pt").unlink()
    with pytest.raises(Killed):
        trained(2)
    assert torch.equal(trained(), expected)


def test_another_key_or_a_damaged_file_begins_anew(tmp_path, capsys):
    model = net("mlp", {"hidden": []})
    path = tmp_path / "checkpoint.pt"
    Checkpoint(path, "one", model, every=0).keep(dict)
    assert Checkpoint(path, "one", model, every=0).resume() == {}
    assert Checkpoint(path, "other", model, every=0).resume() is None
    assert "other settings or data" in capsys.readouterr().err
    whole = path.read_bytes()
    for place in (0, len(whole) // 2, len(whole) - 1):  # a bit of its digest, of its content
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert Checkpoint(path, "one", model, every=0).resume() is None
        assert "another SHA-256" in capsys.readouterr().err
    torch.save([1], path)
    assert Checkpoint(path, "one", model, every=0).resume() is None
    assert "cannot be read" in capsys.readouterr().err
    path.write_bytes(whole[:100])
    assert Checkpoint(path, "one", model, every=0).resume() is None
    assert "cannot be read" in capsys.readouterr().err


def test_it_goes_on_with_fewer_steps_to_keep_and_begins_anew_with_others(tmp_path, capsys):
    model, path = net("mlp", {"hidden": []}), tmp_path / "checkpoint.pt"

    def of(*steps):
        return Checkpoint(path, "key", model, every=0, steps=steps)

    first = of(1, 2, 9)
    first.at(1)
    first.at(2)
    first.keep(dict)
    fewer, reordered, none, more = of(9, 2), of(9, 1, 2), of(), of(1, 2, 3, 9)
    assert fewer.resume() == {} and fewer.weights.keys() == {2}
    assert reordered.resume() == {} and reordered.weights.keys() == {1, 2}
    assert none.resume() == {} and none.weights == {}
    assert more.resume() is None and more.weights == {}
    assert "other settings or data" in capsys.readouterr().err
    fewer.keep(dict)  # which forgets step 1
    assert of(9).resume() == {} and of(1, 9).resume() is None


def test_what_is_written_is_not_copied_and_what_is_kept_is_a_copy_in_one_piece(
    tmp_path, monkeypatch
):
    class Buffer(io.BytesIO):
        def getvalue(self):
            raise AssertionError("all of the file once more")

    monkeypatch.setattr("blindspots.trainers.checkpoint.io", SimpleNamespace(BytesIO=Buffer))
    model = torch.nn.Conv2d(2, 2, 3).to(memory_format=torch.channels_last)
    first = Checkpoint(tmp_path / "a.pt", "key", model, every=0, steps=(1,))
    first.at(1)
    first.keep(dict)
    resumed = Checkpoint(tmp_path / "a.pt", "key", model, every=0, steps=(1,))
    assert resumed.resume() == {}
    before = model.weight.detach().clone()
    model.weight.data += 1
    for weights_at in (first.weights[1], resumed.weights[1]):
        assert torch.equal(weights_at["weight"], before) and weights_at["weight"].is_contiguous()


def test_a_training_on_the_cpu_leaves_a_gpu_alone(digits, tmp_path, monkeypatch):
    def used(*given):
        raise AssertionError("the GPU is initialised")

    for name, value in {"is_available": True, "device_count": 2, "is_initialized": False}.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    monkeypatch.setattr(torch.cuda, "get_rng_state", used)
    monkeypatch.setattr(torch.cuda, "set_rng_state", used)
    for _ in range(2):
        model = net("mlp", {"hidden": []})
        checkpoint = Checkpoint(tmp_path / "a.pt", "key", model, every=0)
        with pytest.raises(Killed):
            sgd.sgd(model, *digits, epochs=4, checkpoint=checkpoint, progress=killed_after(1))


def test_it_is_written_no_more_often_than_asked_for_and_removed_at_the_end(tmp_path):
    checkpoint = Checkpoint(tmp_path / "a.pt", "key", net("mlp", {"hidden": []}), every=3600)
    checkpoint.keep(dict)
    assert not checkpoint.path.exists()
    checkpoint.every = 0
    checkpoint.keep(dict)
    checkpoint.remove()
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []
