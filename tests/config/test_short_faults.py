"""Faults of a short config are said with the keys and lines that the user wrote."""

import pytest

from blindspots.config.check import check
from blindspots.interface import InputError
from tests.config.test_expansion import SHORT, faults
from tests.configs import SCHEMA


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('halves: ["*-P1", "*-P2"]', 'halves: ["*-P3"]',
         "line 3: groups.halves: expected a pattern that matches a net of this config (FC-P1, "),
        ("halves: [", "linear: [",
         ("line 3: groups.linear: expected a name that no net has, found that of a net; rename it",
          "line 16: experiments.some.nets: expected a net of this config")),
        ("halves: [", "FC: [",
         ("line 3: groups.FC: expected a name that no net has",
          "line 16: experiments.some.nets: expected a net of this config")),
        ('["*-P1", "*-P2"]', "[liner]",
         "line 3: groups.halves: expected a net of this config (FC-P1, FC-P2, linear, coder), "
         "found 'liner'; did you mean 'linear'?"),
        ("groups:", "groups:\n  halves: [linear]",
         "line 4: groups.halves: expected one, found two; rename or remove one"),
        ("decay: 1e-3}", "dcay: 1e-3}",
         "line 6: defaults.trainer.dcay: expected a setting of lbfgs ("),
        ("decay: 1e-3}", "decay: -1}", "line 6: defaults.trainer.decay: expected at least 0"),
        ("std: [0.1, 3e-1]", "std: [0.1, -1]",
         "line 13: attacks.gaussian.std.1: expected at least 0 (standard deviation"),
        ("std: [0.1, 3e-1]", "std: [0.1, 0.1]",
         "line 13: attacks.gaussian: expected a list whose values make different names, found "
         "gaussian-0.1 twice"),
        ("closest: {}", "gaussian-0.1: {method: closest}", "found gaussian-0.1 twice"),
        ("std: [0.1, 3e-1]", f"std: {[*range(40)]}, distortion: {[*range(1, 41)]}",
         "line 13: attacks.gaussian: expected lists whose values make at most 1000 entries, found "
         "1600 combinations; shorten them"),
        ("controls:", f"noise_draws: {[*range(1, 502)]}, controls:",
         "line 15: experiments.all: expected lists whose values make at most 1000 entries, found "
         "1002 combinations"),
        ("[8, 16]", "[8, 0]", "line 15: experiments.all.n.1: expected at least 1"),
        ("[halves, linear]", "[halves, liner]",
         "line 16: experiments.some.nets: expected a net of this config (FC-P1, FC-P2, linear, "
         "coder, halves), found 'liner'"),
        ("[halves, linear]", '["code*"]', "experiments.some.nets: expected a pattern that"),
        ('"gaussian-*"', '"gausian-*"', "line 15: experiments.all.controls: expected a pattern"),
        ('"gaussian-*"', "closest", "line 15: experiments.all.controls: expected an attack that"),
        ("report: none", "report: nothing",
         "line 16: experiments.some.report: expected report sets (bounds, directions, standard, "
         "none), found 'nothing'"),
        ("closest: {}", "near: {}",
         "line 12: attacks.near: expected the key 'method', or a name that is one of closest, "),
        ("  closest: {}\n", "  closest: {}\n  lbfgs: {}\n",
         ("line 16: experiments.all: expected either attack or a list of attacks, found neither; "
          "name one of closest, lbfgs",
          "line 17: experiments.some: expected either attack or a list of attacks")),
        ("model: {method: mlp, activation: tanh}", "train_on: train",
         ("line 8: nets.FC.model: expected the key 'method', found none; add it",
          "line 9: nets.linear.model: expected the key 'method', found none; add it")),
        (SHORT, "data: digits\nnets:\n  a: {trainer: {method: lbfgs, decay: 0}}\n",
         "line 3: nets.a: expected the key 'model', found none; add it, or defaults.model"),
        (SHORT,
         "data: digits\nnets:\n  a: {model: autoencoder, trainer: sparse_autoencoder}\n"
         "attacks: {closest: {}}\nexperiments:\n  x: {n: 8}\n",
         "line 6: experiments.x: expected nets that classify, found none; add some to nets"),
        ("data: digits\n",
         "data: digits\nreport: standard\ntables:\n"
         "  errors-all-8: {method: training, experiment: some}\n",
         "line 4: tables.errors-all-8: expected a name that no report set makes, found that of its "
         "errors of all-8; rename it"),
        ("data: digits", "data: digits\nseeds: null",
         "line 2: seeds: expected a key that null can remove, found none"),
        ("closest: {}", "closest:",
         "line 12: attacks.closest: expected a key that null can remove, found none of this "
         "name in earlier files; leave it out, or write {} for an entry without settings"),
        ("  some:", "  all: {}\n  some:", "line 16: experiments.all: expected one, found two"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_fault_is_said_with_the_line_that_the_user_wrote(tmp_path, was, now, told):
    assert was in SHORT
    found = faults(tmp_path, SHORT.replace(was, now, 1))
    for line, part in zip(found, [told] if isinstance(told, str) else told, strict=True):
        assert part in line


@pytest.mark.parametrize(
    ("defaults", "told"),
    [
        ({"trainer": {"method": "sgd", "epochs": 1}},
         "defaults.trainer.method: expected the method of a net's trainer (lbfgs), found 'sgd', "
         "which no net has; remove it"),
        ({"trainer": {"epochs": 1}},
         "defaults.trainer.epochs: expected a setting of lbfgs (chunk, decay, decay_biases, "
         "decay_factor, decay_per, history, max_iterations, norm_penalty, tolerance), found "
         "'epochs'"),
        ({"trainer": {"seed": 3}}, "defaults.trainer.seed: expected a setting of lbfgs (chunk, "),
        ({"trainer": {"method": "lbfgs", "seed": 3}},
         "defaults.trainer.seed: expected a setting of lbfgs (chunk, "),
        ({"model": {"method": "mlp", "hiden": [3]}},
         "defaults.model.hiden: expected a setting of mlp (activation, bias, hidden), found "
         "'hiden'; did you mean 'hidden'?"),
        ({"model": "no_such"}, "defaults.model.method: expected the method of a net's model"),
    ],
)  # fmt: skip
def test_a_default_of_no_net_is_a_fault(defaults, told):
    trainer = {"method": "lbfgs", "decay": 1}
    raw = {"data": "digits", "nets": {"a": {"model": {"method": "mlp"}, "trainer": trainer}}}
    with pytest.raises(InputError) as error:
        check(raw | {"defaults": defaults}, SCHEMA, run="r")
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"config: {told}")


def test_a_setting_that_no_user_gives_is_said_with_the_line_of_the_default(tmp_path):
    text = SHORT.replace("decay: 1e-3}", "decay: 1e-3,\n    progress: 3}")
    line = next(n for n, s in enumerate(text.splitlines(), 1) if "progress" in s)
    (found,) = faults(tmp_path, text)
    key = f"0.yaml, line {line}: defaults.trainer.progress"
    assert found.startswith(f"{key}: expected a setting of lbfgs (")
