"""A reading of a paper is nothing but settings, and experiments may be repeated under others."""

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.lines import written
from blindspots.config.reading import full_form, laid_over
from blindspots.interface import InputError
from tests.configs import SCHEMA

CHOICES = """\
questions:
  activation: {sigmoid: {}, tanh: {nets: {"FC*": {model: {activation: tanh}}}}}
  decay: {as_is: {}, more: {nets: {"*": {trainer: {decay: 1e-2}}}}}
  clipping:
    "yes": {}
    "no": {attacks: {"gaussian-*": {clip: false}}, experiments: {"*": {clip: false}}}
readings:
  as_printed: {}
  fitted: {activation: tanh, clipping: "no"}
"""
CONFIG = """\
data: digits
defaults: {trainer: {method: lbfgs, decay: 1e-3}}
nets:
  FC: {model: {method: mlp, hidden: [5]}, train_on: [P1, P2]}
  LeNet: {model: lenet}
  coder: {model: {method: autoencoder, hidden: 4}, trainer: {method: sparse_autoencoder}}
  on-coder: {model: encoded, parents: {encoder: coder}, trainer: {}}
attacks:
  closest: {}
  gaussian: {std: [0.1, 0.3]}
experiments:
  e: {n: 8, controls: "gaussian-*", nets: ["FC-*", LeNet]}
"""


@pytest.fixture
def at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "choices.yaml").write_text(CHOICES)
    return tmp_path


def read(at, more="", run="short"):
    """Return the full form of CONFIG with lines added."""
    (at / "my.yaml").write_text(text := CONFIG + "choices: choices.yaml\n" + more)
    return full_form(yaml.safe_load(text), SCHEMA, "my.yaml", written([at / "my.yaml"]), run).config


def plain(more="", run="short"):
    return full_form(
        laid_over(yaml.safe_load(CONFIG), yaml.safe_load(more)), SCHEMA, run=run
    ).config


def test_choices_without_a_reading_change_nothing(at):
    under = {"under": {"answers": {}, "name": "as_printed"}}  # the reading's name, for tables
    assert read(at) | under == read(at, "reading: as_printed\n") == plain("{}") | under


def test_a_reading_is_nothing_but_settings(at):
    by_hand = """
nets: {FC: {model: {activation: tanh}}}
attacks: {gaussian: {clip: false}}
experiments: {e: {clip: false}}
"""
    under = {"answers": {"activation": "tanh", "clipping": "no"}}
    own = {"under": under | {"name": "fitted"}}
    assert read(at, "reading: fitted\n") == plain(by_hand) | own
    by_answers = read(at, 'reading: {activation: tanh, clipping: "no"}\n')
    assert by_answers == plain(by_hand) | {"under": under}


def test_a_reading_settles_tables_too_those_of_several_experiments_as_well(at):
    given = CHOICES.replace(
        "readings:", '  average: {pooled: {tables: {"errors*": {average: pooled}}}}\nreadings:'
    )
    (at / "choices.yaml").write_text(given)
    tables = (
        "tables: {errors: {experiment: [e, other], parts: [test]}, transfer: {experiment: e}}\n"
    )
    more = f"experiments: {{other: {{n: 4, nets: LeNet}}}}\n{tables}"
    found = plain(f"choices: choices.yaml\nreading: {{average: pooled}}\n{more}")
    expected = plain(more)
    for name in ("errors-e", "errors-other"):
        expected["tables"][name]["average"] = "pooled"
    assert found["tables"] == expected["tables"]


def test_an_experiment_under_another_reading_has_what_differs_once(at):
    found = read(at, "reading: fitted\n").copy()
    more = """
reading: fitted
experiments:
  e: {n: 8, controls: "gaussian-*", nets: ["FC-*", LeNet]}
  m:
    n: 8
    controls: "gaussian-*"
    nets: ["FC-*", LeNet]
    reading: [as_printed, {decay: more}, {clipping: "yes"}]
"""
    text = CONFIG.partition("experiments:")[0]
    (at / "other.yaml").write_text(text + "choices: choices.yaml\n" + more)
    full = full_form(yaml.safe_load((at / "other.yaml").read_text()), SCHEMA, run="short").config
    assert full["experiments"]["e"] == found["experiments"]["e"]
    assert [*full["experiments"]] == ["e", "m-as_printed", "m-decay-more", "m-clipping-yes"]
    names = ["FC-P1-as_printed", "FC-P2-as_printed"]
    printed = full["experiments"]["m-as_printed"]
    assert printed["sources"] == printed["victims"] == [*names, "LeNet"]
    assert printed["controls"] == ["gaussian-0.1-as_printed", "gaussian-0.3-as_printed"]
    assert "clip" not in printed and printed["under"] == "as_printed"
    assert "activation" not in full["nets"]["FC-P1-as_printed"]["model"]
    assert full["nets"]["FC-P1-as_printed"]["stands_for"] == "FC-P1"
    more = full["experiments"]["m-decay-more"]  # every net is another one, noise is not
    assert more["sources"] == ["FC-P1-decay-more", "FC-P2-decay-more", "LeNet-decay-more"]
    assert more["controls"] == ["gaussian-0.1", "gaussian-0.3"] and more["clip"] is False
    assert full["nets"]["FC-P1-decay-more"]["model"]["activation"] == "tanh"
    clipped = full["experiments"]["m-clipping-yes"]  # no net is, and the noise is there already
    assert clipped["sources"] == ["FC-P1", "FC-P2", "LeNet"]
    assert clipped["controls"] == printed["controls"] and "clip" not in clipped
    assert full_form(full, SCHEMA).config == full
    assert check(full, SCHEMA)["certificates"]["product"]["nets"] == ["FC-P1", "FC-P2", "LeNet"]


def test_a_parent_is_one_under_the_reading_too(at):
    more = "experiments: {m: {n: 8, nets: on-coder, attack: closest, reading: [{decay: more}]}}\n"
    found = full_form(
        yaml.safe_load(CONFIG.partition("experiments:")[0] + "choices: choices.yaml\n" + more),
        SCHEMA, run="short",
    ).config  # fmt: skip
    assert found["experiments"]["m-decay-more"]["sources"] == ["on-coder-decay-more"]
    assert found["nets"]["on-coder-decay-more"]["parents"] == {"encoder": "coder-decay-more"}
    assert found["nets"]["coder-decay-more"]["trainer"]["decay"] == 1e-2


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("reading: fited\n",
         "my.yaml, line 14: reading: expected a reading of the choices (as_printed, fitted), found "
         "'fited'; did you mean 'fitted'?"),
        ("reading: {decays: more}\n",
         "my.yaml, line 14: reading: expected a question of the choices (activation, decay, "
         "clipping), found 'decays'; did you mean 'decay'?"),
        ("reading: {decay: most}\n",
         "my.yaml, line 14: reading.decay: expected an answer to decay of the choices (as_is, "
         "more), found 'most'"),
    ],
)  # fmt: skip
def test_an_unknown_reading_question_or_answer_is_one_line(at, more, told):
    with pytest.raises(InputError) as error:
        read(at, more)
    assert str(error.value).replace(f"{at}/", "") == told


@pytest.mark.parametrize(
    ("was", "now", "reading", "told"),
    [
        # A model without that freedom.
        ('"FC*": {model: {activation: tanh}}', 'LeNet: {model: {bias: false}}',
         "{activation: tanh}",
         "choices.yaml, line 2: choices.questions.activation.tanh.nets.LeNet.model.bias: expected "
         "a setting of lenet (activation), found 'bias'"),
        # Answers that contradict each other.
        ('"*": {trainer: {decay: 1e-2}}', 'FC-P1: {model: {activation: relu}}',
         "{activation: tanh, decay: more}",
         "my.yaml, line 14: reading: expected answers that agree, found "
         "choices.questions.activation.tanh.nets.FC*.model.activation ('tanh') and "
         "choices.questions.decay.more.nets.FC-P1.model.activation ('relu'); change one of the two "
         "answers"),
        ('"FC*": {model', '"FD*": {model', "fitted",
         "choices.yaml, line 2: choices.questions.activation.tanh.nets.FD*: expected a pattern "
         "that matches one of the nets of this config (FC-P1, FC-P2, LeNet, coder, on-coder), "
         "found 'FD*'; correct it, or leave activation out of reading"),
        ("activation: tanh, clip", "activation: tan, clip", "fitted",
         "my.yaml, line 13: choices: choices.yaml, line 9: readings.fitted.activation: expected "
         "an answer to activation of the choices (sigmoid, tanh), found 'tan'; did you mean "
         "'tanh'?"),
        ("{model: {activation", "{model: {method: lenet, activation", "fitted",
         "my.yaml, line 13: choices: choices.yaml, line 2: questions.activation.tanh.nets.FC*."
         "model.method: expected settings alone, found a method; remove it, and add an entry"),
    ],
)  # fmt: skip
def test_a_reading_that_cannot_be_is_one_line(at, was, now, reading, told):
    assert was in CHOICES
    (at / "choices.yaml").write_text(CHOICES.replace(was, now, 1))
    with pytest.raises(InputError) as error:
        (at / "my.yaml").write_text(text := f"{CONFIG}choices: choices.yaml\nreading: {reading}\n")
        check(yaml.safe_load(text), SCHEMA, "my.yaml", written(["my.yaml"]), "short")
    (line,) = str(error.value).splitlines()
    assert line.startswith(told)


def test_a_reading_without_choices_is_one_line(at):
    with pytest.raises(InputError, match="reading: expected choices to read by, found none; add"):
        plain("reading: fitted")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("experiments: {e: {sources: LeNet}}", "experiments.e.sources: expected only the keys p"),
        ("experiments: {e: {nets: LeNet}}", "experiments.e.nets: expected only the keys part"),
        ("experiments: {e: {n: [8, 9]}}", "experiments.e.n: expected a whole number"),
        ("experiments: {e: {clip: [true, false]}}", "experiments.e.clip: expected true or false"),
        ("attacks: {closest: {target: [random, next]}}",
         "attacks.closest.target: expected text or a whole number"),
        ("attacks: {closest: {parents: {}}}", "attacks.closest.parents: expected settings alone"),
        ("tables: {t: {experiment: [e, e]}}", "tables.t.experiment: expected settings alone"),
    ],
)  # fmt: skip
def test_an_answer_sets_one_value_and_names_no_other_entry(at, answer, told):
    (at / "choices.yaml").write_text(f"questions: {{q: {{a: {{{answer}}}}}}}\n")
    with pytest.raises(InputError) as error:
        read(at, "reading: {q: a}\ntables: {t: {method: transfer, experiment: e}}\n")
    (line,) = str(error.value).replace(f"{at}/", "").splitlines()
    assert line.startswith(f"my.yaml, line 13: choices: choices.yaml, line 1: questions.q.a.{told}")


def test_answers_about_trainers_need_nets_that_are_trained(at):
    (at / "choices.yaml").write_text(CHOICES)
    given = yaml.safe_load(CONFIG) | {"choices": "choices.yaml", "reading": {"decay": "more"}}
    given["defaults"] = {}
    given["nets"] = {"W": {"model": {"method": "mlp", "hidden": [5]}, "weights": "w.safetensors"}}
    given["experiments"] = {"e": {"n": 8}}
    with pytest.raises(InputError) as error:
        check(given, SCHEMA, run="short")
    assert str(error.value) == (
        "choices.yaml, line 3: choices.questions.decay.more.nets.*.trainer.decay: expected a net "
        "with a trainer, found W, which has none; correct its name or pattern, or leave decay out "
        "of reading"
    )


def test_answers_to_questions_with_dots_contradict_each_other_too(at):
    (at / "choices.yaml").write_text(
        "questions:\n"
        "  c.1: {a: {nets: {FC-P1: {trainer: {decay: 1}}}}}\n"
        "  c.2: {a: {nets: {FC-P1: {trainer: {decay: 2}}}}}\n"
    )
    with pytest.raises(InputError, match="reading: expected answers that agree, found"):
        read(at, "reading: {c.1: a, c.2: a}\n")


def test_patterns_of_one_answer_that_overlap_agree_or_contradict_each_other(at):
    two = 'questions: {{q: {{a: {{nets: {{"FC*": {{trainer: {{decay: 1}}}}, {}}}}}}}}}\n'
    (at / "choices.yaml").write_text(two.format("FC-P1: {trainer: {decay: 1, tolerance: 0.1}}"))
    assert read(at, "reading: {q: a}\n")["nets"]["FC-P1"]["trainer"]["tolerance"] == 0.1
    (at / "choices.yaml").write_text(two.format("FC-P1: {trainer: {decay: 2}}"))
    with pytest.raises(InputError) as error:
        read(at, "reading: {q: a}\n")
    (line,) = str(error.value).splitlines()
    assert line.endswith(
        "line 14: reading: expected patterns that agree, found choices.questions.q.a.nets.FC*."
        "trainer.decay (1) and choices.questions.q.a.nets.FC-P1.trainer.decay (2); change one of "
        "the two patterns"
    )


UNQUOTED = "questions: {q: {yes: {}, on-time: {}}}"
FIRST = "questions.q: expected names that are text, found true, as YAML reads yes without quotes; p"


def test_answers_that_yaml_reads_as_true_or_false_are_put_in_quotes(at):
    (at / "choices.yaml").write_text(f"{UNQUOTED}\n")
    with pytest.raises(InputError) as error:
        read(at, 'reading: {q: "yes"}\n')
    (line,) = str(error.value).replace(f"{at}/", "").splitlines()
    assert line.startswith(f"my.yaml, line 13: choices: choices.yaml, line 1: {FIRST}")
    with pytest.raises(InputError) as error:
        plain(f'choices: {{{UNQUOTED}}}\nreading: {{q: "yes"}}\n')
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"config: choices.{FIRST}")


@pytest.mark.parametrize(
    "reading", ["{average: pooled}", "{average: pooled, decay: as_is}", "tabled"]
)
def test_a_reading_of_an_experiment_that_sets_tables_alone_is_refused(at, reading):
    of_tables = '  average: {as_is: {}, pooled: {tables: {"t*": {average: pooled}}}}\nreadings:\n'
    named = "  tabled: {average: pooled}\n  both: {average: pooled, decay: more}\n"
    (at / "choices.yaml").write_text(CHOICES.replace("readings:\n", of_tables + named))
    more = "choices: choices.yaml\ntables: {t: {method: errors, experiment: e, parts: [test]}}\n"
    repeated = "experiments: {m: {n: 8, nets: LeNet, reading: [%s]}}\n"
    assert "m-both" in plain(more + repeated % "both")["experiments"]
    own = f"{more}reading: {{average: pooled}}\n"  # the run's: no difference
    assert plain(own + repeated % "{average: pooled}")["under"]["answers"] == {"average": "pooled"}
    with pytest.raises(InputError) as error:
        plain(more + repeated % reading)
    (line,) = str(error.value).splitlines()
    assert ": experiments.m.reading.0: expected answers that set something of nets, attacks" in line
    assert "found settings of tables alone (average" in line


def test_a_full_form_is_not_read_again_under_another_reading(at):
    full = read(at, "reading: fitted\n")
    assert full_form(full, SCHEMA).config == full
    with pytest.raises(InputError, match="under: expected no choices beside it, as it stands"):
        full_form(full | {"choices": "choices.yaml", "reading": "as_printed"}, SCHEMA)
