"""A change of code, data, template or config reruns the jobs that depend on it, and no others."""

import os

import pytest

AFTER_ATTACK = {"measure_transfer", "ledger", "audit", "table", "figure", "report"}


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def changed(workflow):
    return workflow.jobs().keys() - {"all"}


def test_a_run_from_its_own_checkout_is_finished(checkout):
    assert checkout.jobs() == {}


@pytest.mark.parametrize(
    "module", ["attacks/lbfgs.py", "optim/batch.py", "trainers/lbfgs.py", "files/tables.py"]
)
def test_a_comment_or_a_docstring_in_the_library_reruns_nothing(checkout, module):
    path = checkout.checkout / "blindspots" / module
    edit(path, '"""', '"""Said otherwise. ')
    path.write_text(path.read_text("utf-8") + "\n# a comment\n", "utf-8")
    assert checkout.jobs() == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("attacks/lbfgs.py", {"attack"} | AFTER_ATTACK),
        ("attacks/gaussian.py", AFTER_ATTACK),  # a control
        ("attacks/closest.py", set()),  # not in this config
        ("optim/compiled.py", {"attack"} | AFTER_ATTACK),
        ("certificates/lipschitz.py", {"certify", "ledger", "audit", "table", "report"}),
        ("analyses/errors.py", {"table", "report"}),
        ("report/examples.py", {"report"}),
        ("figures/_description.py", {"figure", "report"}),
        ("audit/radii.py", {"audit", "report"}),
        ("__main__.py", set()),
    ],
)
def test_a_line_of_the_library_reruns_what_reaches_it(checkout, module, expected):
    path = checkout.checkout / "blindspots" / module
    path.write_text(path.read_text("utf-8") + "\nANOTHER = 1\n", "utf-8")
    assert changed(checkout) == expected


def test_one_of_two_attacks_edited_reruns_that_one_alone(checkout):
    config = checkout.config
    config["attacks"]["nearest"] = {"method": "closest", "target": "any"}
    config["experiments"]["any"] = config["experiments"]["both"] | {"attack": "nearest"}
    ended = checkout.run()
    assert ended.returncode == 0, ended.stdout
    path = checkout.checkout / "blindspots/attacks/closest.py"
    path.write_text(path.read_text("utf-8") + "\nANOTHER = 1\n", "utf-8")
    jobs = checkout.jobs()
    assert (jobs["attack"], jobs["measure_transfer"]) == (2, 1)  # of four and two
    assert "train" not in jobs


@pytest.mark.parametrize(
    "file", ["resources/digits/train.parquet", "results/small/nets/linear.s0/weights.safetensors"]
)
def test_a_file_touched_but_equal_reruns_nothing(checkout, file):
    os.utime(checkout.folder / file)
    assert checkout.jobs() == {}


@pytest.mark.parametrize(
    "file", ["report.html.j2", "page/summary.html.j2", "page/page.css", "page/examples.js"]
)
def test_the_reports_template_or_what_it_includes_edited_reruns_the_report(checkout, file):
    path = checkout.checkout / "reports" / file
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    assert changed(checkout) == {"report"}


def test_null_on_the_command_line_removes_what_the_file_has(workflow):
    assert workflow.jobs()["figure"] == 1
    said = workflow.run("--dry-run", "--config", "figures={examples: null}").stdout
    assert "rule table:" in said and "rule figure:" not in said
    said = workflow.run("--dry-run", "--config", "figures={example: null}").stdout
    assert "figures.example: expected a key that null can remove, found none" in said


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c["machine"].update(chunk=7, threads=2, shards=3), set()),
        (lambda c: c["nets"]["linear"].update(label="other"), {"table", "figure", "report"}),
        (lambda c: c["tables"]["errors"].update(parts=["test"]), {"table", "report"}),
        (
            lambda c: c["attacks"]["lbfgs"].update(max_iterations=20),
            {"attack"} | AFTER_ATTACK,
        ),
        (
            lambda c: c["nets"]["linear"]["trainer"].update(decay=1e-2),
            {"train", "attack", "certify", "measure_layers"} | AFTER_ATTACK,
        ),
    ],
)
def test_a_changed_config_reruns_what_it_touches(copied, change, expected):
    change(copied.config)
    assert copied.jobs().keys() - {"all"} == expected


def test_an_added_victim_costs_its_training_and_forward_passes(copied):
    copied.config["nets"]["other"] = copied.config["nets"]["linear"] | {"label": "other"}
    copied.config["experiments"]["both"]["victims"].append("other")
    jobs = copied.jobs()
    assert jobs.pop("table") > 0
    assert jobs == {
        "train": 1, "certify": 1, "measure_layers": 1, "measure_transfer": 1, "ledger": 1,
        "audit": 1, "figure": 1, "report": 1, "all": 1,
    }  # fmt: skip


def test_a_changed_net_retrains_alone(copied):
    copied.config["nets"]["linear"]["trainer"]["decay"] = 1e-2
    jobs = copied.jobs()
    assert (jobs["train"], jobs["attack"], jobs["certify"]) == (1, 1, 1)
    assert "prepare" not in jobs
    assert "split" not in jobs
