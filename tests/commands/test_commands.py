"""Arguments of the commands, and what they refuse. Real runs through them: tests/workflow."""

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from blindspots import __main__ as command
from blindspots.commands import _shared
from blindspots.config import checkout
from blindspots.config.schema import schema
from blindspots.interface import InputError
from blindspots.runs import housekeeping
from tests.conftest import ROOT

NAMES = [module.__name__.rpartition(".")[2] for module in command.COMMANDS]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--help"], NAMES), (["methods", "trainers", "sgd"], ["learning_rate"])],
)
def test_what_only_says_what_there_is_imports_nothing_slow(arguments, told):
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "blindspots", *arguments],
        cwd=ROOT, text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert not re.search(r"\| +(torch|pandas|numpy|pyarrow|snakemake)$", ended.stderr, re.M)
    assert [name for name in told if name not in ended.stdout] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_a_help_text_is_a_command_that_there_is(name, blindspots):
    status, out, _ = blindspots(name, "--help")
    assert status == 0
    examples = re.findall(r"^  blindspots (\S.*?)(?:   .*)?$", out, re.M)
    assert examples
    for example in examples:
        assert command.parse(example.split()).run.__module__.rpartition(".")[2] == name


@pytest.mark.parametrize("name", ["run", "report"])
def test_a_wrong_config_ends_a_command_in_one_line(blindspots, tmp_path, name):
    blindspots("new", "my.yaml")
    text = (tmp_path / "my.yaml").read_text("utf-8")
    (tmp_path / "my.yaml").write_text(text.replace("\nreport:", "\nreprot:"))
    status, _, error = blindspots(name, "my.yaml")
    assert status == 1
    line = 1 + text.splitlines().index(next(s for s in text.splitlines() if s[:7] == "report:"))
    assert error.startswith(f"my.yaml, line {line}: reprot: expected only the keys run, ")
    assert "found 'reprot'; did you mean 'report'?" in error
    assert len(error.splitlines()) == 1


def test_the_full_form_is_printed_and_is_a_config_of_the_same_run(blindspots, tmp_path):
    blindspots("new", "my.yaml")
    (tmp_path / "over.yaml").write_text("splits: {validation: 0.2}\nnets: {linear: null}\n")
    status, out, _ = blindspots("run", "my.yaml", "over.yaml", "--dry-run", "--expanded")
    assert status == 0
    found = yaml.safe_load(out)
    assert (found["run"], found["splits"]["validation"]) == ("my", 0.2)
    assert [*found["nets"]] == found["experiments"]["transfer"]["victims"] == ["sigmoid"]
    assert found.keys().isdisjoint({"defaults", "groups", "report"})
    (tmp_path / "full.yaml").write_text(out)
    assert blindspots("run", "full.yaml", "--dry-run", "--expanded") == (0, out, "")
    status, _, error = blindspots("run", "my.yaml", "--expanded")
    assert status == 1
    assert error == "--expanded: expected --dry-run as well, found none; add it"


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ("tables: {by-class: {method: 'noted_lab:count', experiment: transfer}}", True),
        ("tables: {gradients: {method: alignment, experiment: transfer}}", True),
        ("tables: {errors: {experiment: transfer, parts: [test]}}", False),
        ("tables: {by-class: {method: alignment, experiment: transfer}}\nreport: none", False),
        ("seeds: [0]", False),
    ],
)
def test_a_run_without_the_standard_tables_says_how_to_keep_them(tmp_path, monkeypatch, over, told):
    (tmp_path / "noted_lab.py").write_text("def count(clean, *, labels): pass\n")
    start = (ROOT / "presets/start.yaml").read_text("utf-8").partition("\nreport:")[0]
    (tmp_path / "my.yaml").write_text(f"{start}\n{over}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    line = start.count("\n") + 2
    assert _shared.note(_shared.read(Path("my.yaml")), Path("my.yaml")) == (
        f"my.yaml, line {line}: note: the report has the tables and figures that the config "
        "names, and no others; to keep the standard ones, add report: standard"
        if told
        else None
    )


def test_a_key_that_is_there_twice_is_named_with_its_line(blindspots, tmp_path):
    blindspots("new", "my.yaml")
    text = (tmp_path / "my.yaml").read_text("utf-8")
    line = next(n for n, s in enumerate(text.splitlines(), 1) if s.startswith("  sigmoid:"))
    (tmp_path / "my.yaml").write_text(text.replace("\n  sigmoid:", "\n  linear:"))
    status, _, error = blindspots("run", "my.yaml", "--dry-run")
    assert status == 1
    assert error.startswith(
        f"my.yaml, line {line}: expected a YAML config, found the key 'linear' twice; rename"
    )
    assert len(error.splitlines()) == 1


def test_an_empty_file_laid_over_a_config_changes_nothing(blindspots, tmp_path):
    blindspots("new", "my.yaml")
    (tmp_path / "over.yaml").write_text("# nothing yet\n")
    expanded = ("--dry-run", "--expanded")
    alone = blindspots("run", "my.yaml", *expanded)
    assert alone[0] == 0
    assert blindspots("run", "my.yaml", "over.yaml", *expanded) == alone
    given = _shared.snakemake([tmp_path / "my.yaml", tmp_path / "over.yaml"])
    assert [name for name in given if name.endswith(".yaml")] == [str(tmp_path / "my.yaml")]


def test_a_file_laid_over_a_config_that_is_no_mapping_is_named(blindspots, tmp_path):
    blindspots("new", "my.yaml")
    (tmp_path / "over.yaml").write_text("[1]\n")
    status, _, error = blindspots("run", "my.yaml", "over.yaml", "--dry-run")
    assert (status, error) == (1, "over.yaml: expected a mapping of keys, found [1]")


@pytest.mark.parametrize("archive", ["theirs.pdf", "no/theirs.zip"])
def test_snakemakes_report_must_be_a_file_that_it_can_write(blindspots, archive):
    blindspots("new", "my.yaml")
    status, _, error = blindspots("report", "my.yaml", "--snakemake", archive)
    assert status == 1
    assert error == (
        f"--snakemake: expected a .zip or .html file in a folder that exists, found {archive}"
    )


def test_what_follows_two_dashes_is_snakemakes_and_of_no_other_command(blindspots):
    found = command.parse(["run", "a.yaml", "b.yaml", "--", "--until", "x", "--", "y"])
    assert [str(path) for path in found.configs] == ["a.yaml", "b.yaml"]
    assert found.more == ["--until", "x", "--", "y"]
    status, _, error = blindspots("new", "my.yaml", "--", "-n")
    assert status == 2
    assert "expected nothing after --, found -n" in error


def test_the_package_without_a_checkout_says_so_in_a_line(blindspots, monkeypatch, tmp_path):
    (tmp_path / "my.yaml").write_text("run: a")
    monkeypatch.setattr(checkout, "CHECKOUT", tmp_path)
    schema.cache_clear()
    status, _, error = blindspots("run", "my.yaml")
    assert status == 1
    assert "expected the workflow's files next to the package, found none" in error


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--cores", "0"], "--cores: expected 'all' or a number from 1, found '0'"),
        (["--cores", "-1"], "--cores: expected 'all' or a number from 1, found '-1'"),
        (["--cores", "some"], "--cores: expected 'all' or a number from 1, found 'some'"),
        (["--gpu", "0"], "--gpu: expected a number from 1, found '0'"),
        (["--gpu", "-1"], "--gpu: expected a number from 1, found '-1'"),
        (["--gpu", "x"], "--gpu: expected a number from 1, found 'x'"),
    ],
)
def test_a_run_without_a_core_or_a_gpu_to_run_on_is_refused(blindspots, option, message):
    blindspots("new", "my.yaml")
    status, _, error = blindspots("run", "my.yaml", "--dry-run", *option)
    assert status == 1
    assert error.startswith(message)
    assert len(error.splitlines()) == 1


def test_snakemake_gets_the_checkouts_profile_unless_another_is_named():
    configs = [Path("my.yaml")]
    ours = str(ROOT / "profiles/default")
    given = _shared.snakemake(configs, "--cores", "1")
    assert given[given.index("--workflow-profile") + 1] == ours
    for other in (["--workflow-profile", "slurm"], ["--workflow-profile=slurm"]):
        assert ours not in _shared.snakemake(configs, *other)


@pytest.mark.parametrize(
    ("program", "shown"),
    [("blindspots", "./blindspots"), ("a venv/bin/blindspots", "'a venv/bin/blindspots'")],
)
def test_the_command_to_give_next_is_one_that_a_shell_takes(
    blindspots, monkeypatch, tmp_path, program, shown
):
    monkeypatch.setattr(sys, "argv", [str(tmp_path / program)])
    again = _shared.again("run", Path("it's {x} [y].yaml"))
    assert again == f"""{shown} run 'it'"'"'s {{x}} [y].yaml'"""
    assert shlex.split(again)[1:] == ["run", "it's {x} [y].yaml"]


def test_a_damaged_record_of_a_job_is_named(blindspots, tmp_path):
    record = tmp_path / "logs/x/attack/a.jsonl"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    with pytest.raises(InputError, match=r"a\.jsonl: expected Snakemake's measurements of a job"):
        command.results._records(tmp_path / "logs/x")


@pytest.mark.parametrize(
    ("answer", "removed"), [("y", True), ("Yes", True), ("", False), ("no", False), (None, False)]
)
def test_what_is_to_be_removed_is_said_and_removed_once_a_person_says_yes(
    blindspots, monkeypatch, tmp_path, answer, removed
):
    blindspots("new", "my.yaml")
    file = tmp_path / "results/my/nets/old.s0/weights.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(2**20))

    def asked(question):
        assert question == "1 files, 1.0 MiB; remove them? [y/N] "
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr(housekeeping, "outputs", lambda *_: housekeeping.Made(set(), set()))
    monkeypatch.setattr("builtins.input", asked)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    status, out, error = blindspots("prune", "my.yaml", "--delete")
    assert out.startswith("results/my/nets/old.s0/weights.safetensors\n")
    assert (status, error) == ((0, "") if removed else (1, "nothing was removed"))
    assert file.exists() != removed
    assert (tmp_path / "results").exists() != removed


def test_a_config_with_a_plus_in_its_name_is_one(blindspots, monkeypatch, tmp_path):
    blindspots("new", "my.yaml", "--preset", "paper")
    (tmp_path / "my.yaml").rename(tmp_path / "a+b.yaml")
    monkeypatch.setattr(housekeeping, "outputs", lambda *_: housekeeping.Made(set(), set()))
    assert blindspots("prune", "a+b.yaml") == (0, "0 files, 0.0 MiB\n", "")
