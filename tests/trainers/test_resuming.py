"""A killed training with every feature goes on to the same bytes; its checkpoints are true."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from blindspots.interface import InputError, Status
from blindspots.trainers.checkpoint import Checkpoint
from blindspots.trainers.loop import train
from blindspots.trainers.recipe import Recipe
from blindspots.trainers.sgd import sgd
from tests.trainings import SCORES, Falling, Killed, assert_equal_weights, net, timeless


def everything(model, images, labels, checkpoint=None, killed_at=None, kept=None):
    """Train in two stages with all features of a training, killed in a step."""
    memory, generator = {}, torch.Generator().manual_seed(0)

    def before_epoch(epoch):
        """Do what any trainer may: draw, set what the loss uses, count anew, change the model."""
        memory.update(calls=0, width=(1 + epoch) * torch.rand((), generator=generator))
        memory["width"] += torch.rand(())
        with torch.no_grad():
            model[-1].bias.mul_(0.5 + 0.1 * torch.rand(()))

    def loss(x, y, step):
        if step.number == killed_at:
            raise Killed
        memory["calls"] += 1
        noise = torch.randn(x.shape, generator=step.generator) * step.value([[0, 0.0], [2, 0.1]])
        logits = model(x + memory["width"] * noise)
        return cross_entropy(logits, y), {"confidence": logits.softmax(dim=1).amax(dim=1)}

    def capped(step):
        for layer in (model[1], model[-1]):
            layer.weight.copy_(torch.renorm(layer.weight, 2, 0, 2.0))

    def row(terms):
        return terms | {"calls": memory["calls"]}

    def restore(found, device):
        memory["calls"] = found  # the only thing that steps change

    def softened(x, y):
        """Half the labels, half the answers of the model when the stage begins."""
        return (torch.nn.functional.one_hot(y, 10) + model(x).softmax(dim=1)) / 2

    common = {
        "before_epoch": before_epoch,
        "after_step": capped,
        "row": row,
        "targets": softened,
        "state": lambda: memory["calls"],
        "restore": restore,
    }
    soft = Recipe(
        loss, trained=list(model[-1].parameters()), epochs=1, learning_rate=[[0, 0.1]], **common
    )
    torch.manual_seed(5)  # of the dropout
    return train(
        model, images, labels, [soft, Recipe(loss, **common)], epochs=3, batch=30, patience=1,
        validation=kept, optimiser="adam", learning_rate=0.05, momentum=[[0, 0.5], [3, 0.9]],
        checkpoint=checkpoint, generator=generator,
    )  # fmt: skip


def with_dropout():
    model = net()
    return nn.Sequential(model[0], nn.Linear(64, 9), nn.BatchNorm1d(9), nn.Dropout(0.2), *model[2:])


@pytest.mark.parametrize("kills", [[0], [1], [3], [4], [5], [7, 9], [2, 3, 4, 8]])
def test_killed_in_any_step_it_goes_on_to_the_same_bytes(digits, tmp_path, kills):
    images, labels = digits[0][:100], digits[1][:100]
    kept, path = (digits[0][100:160], digits[1][100:160]), tmp_path / "checkpoint.pt"
    start = with_dropout().state_dict()

    def trained(killed_at=None, path=path):
        model = with_dropout()
        model.load_state_dict(start)
        checkpoint = Checkpoint(path, "key", model, every=0, steps=[0, 3, 6])
        found = everything(model, images, labels, checkpoint, killed_at, kept)
        return model, checkpoint.weights, *found

    expected, states, rows, status = trained(path=tmp_path / "other.pt")
    assert len(rows) > 2 and {row["stage"] for row in rows} == {0, 1}
    for killed_at in kills:
        with pytest.raises(Killed):
            trained(killed_at)
    model, found, again, ended = trained()
    assert_equal_weights(expected, model)
    assert timeless(again) == timeless(rows) and ended == status
    assert found.keys() == states.keys() == {0, 3, 6}
    for step, state in states.items():
        assert all(torch.equal(tensor, found[step][name]) for name, tensor in state.items())


def test_killed_while_it_waits_for_a_better_epoch_it_knows_the_best(tmp_path):
    images, labels = torch.zeros(10, 1, 1, 1), torch.arange(10)

    def trained(killed_at=None):
        model = Falling()  # by 2.5 an epoch, which says how many were done

        def loss(x, y, step):
            if step.number == killed_at:
                raise Killed
            return model(x).mean()

        def validate(x, y):
            return torch.full((len(x),), SCORES[round(-model.weight.item() / 2.5) - 1])

        rows, status = train(
            model, images, labels, Recipe(loss, validate=validate), batch=2, patience=3,
            epochs=9, validation=(images[:2], labels[:2]), momentum=0.0, decay=0.0,
            learning_rate=0.5, schedule="constant",
            checkpoint=Checkpoint(tmp_path / "c.pt", "key", model, every=0),
        )  # fmt: skip
        return model.weight.item(), [row.get("kept") for row in rows], status

    with pytest.raises(Killed):
        trained(killed_at=5 * 5 + 2)  # after the best epoch, the fifth
    assert trained() == (-2.5 * 5, [None] * 4 + [1.0] + [None] * 3, Status.CONVERGED)


def test_the_weights_after_a_step_are_those_that_the_model_had_then(digits, tmp_path):
    model, seen = net(), {0: net().state_dict()}

    def note(step):
        seen[step.number + 1] = {n: t.clone() for n, t in model.state_dict().items()}

    recipe = Recipe(lambda x, y, step: cross_entropy(model(x), y), after_step=note)
    checkpoint = Checkpoint(tmp_path / "c.pt", "key", model, every=1e9, steps=[0, 1, 5])
    train(model, *digits, recipe, epochs=1, batch=200, checkpoint=checkpoint)
    assert checkpoint.weights.keys() == {0, 1, 5}
    for step, state in checkpoint.weights.items():
        assert all(torch.equal(tensor, seen[step][name]) for name, tensor in state.items())


def test_a_step_beyond_the_last_is_one_line_before_the_first(digits, tmp_path):
    model = net()
    checkpoint = Checkpoint(tmp_path / "c.pt", "key", model, every=1e9, steps=[3, 21])
    line = "checkpoints: expected steps of at most 20, the last of this training, found 21; "
    with pytest.raises(InputError, match=line):
        sgd(model, digits[0][:100], digits[1][:100], epochs=2, batch=10, checkpoint=checkpoint)
    assert_equal_weights(model, net())
