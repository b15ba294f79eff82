"""Clean errors against expected ones: which are accepted, and the message for others."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from blindspots.files import splits, tables
from blindspots.interface import InputError
from blindspots.jobs import expect
from blindspots.threat.answers import CLEAN, UNANSWERED
from blindspots.threat.outcomes import NO_CLASS, outcomes
from tests.evidence import Named

N = 200


def job(folder, wrong, told, rejected=0, classifies=True, shares=None, n=N):
    """Run a job on n test images, the first `wrong` of them wrong, and n right training images."""
    labels = np.ones(2 * n, int)
    given = np.r_[np.full(wrong, 2), np.full(rejected, NO_CLASS), np.ones(2 * n - wrong - rejected)]
    file, index = np.repeat(["test", "train"], n), np.tile(np.arange(n), 2)
    columns = {
        "net": "theirs", "seed": 0, "dataset": "d", "file": file, "index": index, "label": labels,
        "prediction": given.astype(int), "outcome": outcomes(given, labels), "margin": 0.0,
        "confidence": 0.9, "status": "ANSWERED", "probabilities": False,
        "right": None if shares is None else 1 - shares, "wrong": shares, "rejected": None,
    }  # fmt: skip
    columns |= {} if classifies else UNANSWERED
    tables.write(folder / "clean.parquet", tables.build(columns, CLEAN), {})
    of = np.where(file == "test", "test", np.where(index < 50, "P1", "P2"))
    split = {
        "seed": 0, "dataset": "d", "file": file, "index": index, "label": labels, "subset": of,
        "sha256": "-",
    }  # fmt: skip
    tables.write(folder / "split.parquet", tables.build(split, splits.SCHEMA), {})
    standard = {"net": "theirs", "seed": 0, "part": "test", "tolerance": None, "required": False}
    return SimpleNamespace(
        input=Named(clean=folder / "clean.parquet", split=folder / "split.parquet"),
        output=[folder / "expected.parquet"],
        params=Named(expected=standard | told),
    )


@pytest.fixture
def ended(tmp_path, monkeypatch):
    monkeypatch.setattr(expect, "provenance", lambda snakemake: {})

    def run(*arguments, **named):
        made = job(tmp_path, *arguments, **named)
        expect.expect(made)
        (row,) = tables.read(made.output[0]).to_pylist()
        return row, expect.flags(made.output)

    return run


def test_a_net_that_errs_as_expected_has_no_flag(ended, capsys):
    row, flags = ended(4, {"error": 2.0})
    assert (row["error"], row["n"], row["as_expected"]) == (2.0, N, True)
    assert flags == {}
    assert capsys.readouterr().err == ""


def test_one_that_errs_otherwise_has_one_and_a_line_with_the_usual_causes(ended, capsys):
    row, flags = ended(100, {"error": 2.0})
    assert not row["as_expected"]
    assert flags == {"theirs": "clean error 50%, expected 2%"}
    assert capsys.readouterr().err.splitlines()[0] == (
        "warning: config: nets.theirs.expect: expected a clean error of 2.0% on the 200 images of "
        "part test, found 50%; check normalisation, channel order, crop and class order; the run "
        "goes on"
    )


def test_where_a_share_may_have_been_written_the_line_says_that_the_error_is_in_percent(
    ended, capsys
):
    ended(100, {"error": 0.018})
    assert "class order, and that 0.018 is in percent; the run goes on" in capsys.readouterr().err


def test_where_other_images_may_show_the_error_the_line_says_so(ended, capsys):
    _, flags = ended(8, {"error": 2.0})
    assert flags == {"theirs": "clean error 4%, expected 2%"}
    low, high = (100 * stats.binom(N, p).ppf(q) / N for q, p in ((0.025, 0.0195), (0.975, 0.0205)))
    said = capsys.readouterr().err.splitlines()[0]
    assert said.endswith(
        f"; 200 other images than those of the figure may show {low:g}% to {high:g}%: if these are "
        "others, set tolerance; the run goes on"
    )
    assert low < 4 <= high


def test_one_that_errs_less_is_no_more_the_net_that_it_is_taken_for(ended):
    assert ended(0, {"error": 40})[1] == {"theirs": "clean error 0%, expected 40%"}


def test_a_required_error_ends_the_run_in_the_same_line(ended, capsys):
    with pytest.raises(InputError, match=r"^config: nets.theirs.expect: expected a clean error of"):
        ended(100, {"error": 2.0, "required": True})
    assert ended(4, {"error": 2.0, "required": True})[1] == {}


def test_a_tolerance_is_in_points(ended):
    assert ended(20, {"error": 8, "tolerance": 2})[0]["as_expected"]
    assert not ended(21, {"error": 8, "tolerance": 2})[0]["as_expected"]
    assert ended(20, {"error": 10, "tolerance": 0})[0]["as_expected"]


def test_the_images_are_those_of_the_part(ended):
    row, _ = ended(N, {"error": 0, "part": "P1"})
    assert (row["n"], row["error"]) == (50, 0)
    with pytest.raises(InputError, match="expected a part with images, found 'validation'"):
        ended(N, {"error": 0, "part": "validation"})


def test_a_rejection_is_no_error(ended):
    assert ended(4, {"error": 2.0}, rejected=100)[0]["error"] == 2.0


def test_of_a_net_that_answers_by_chance_shares_of_its_draws_count(ended):
    assert ended(0, {"error": 25}, shares=np.full(2 * N, 0.25))[0]["error"] == 25


def test_a_net_that_does_not_classify_is_refused(ended):
    with pytest.raises(InputError, match="expected a net that classifies, found another"):
        ended(0, {"error": 2}, classifies=False)


@pytest.mark.parametrize(
    ("printed", "n", "half"),
    [
        (1.8, 10_000, 0.05 + 0.02),
        (15, 10_000, 0.5 + 0.02),
        (3.71, 10_000, 0.005 + 0.02),
        (3.71, 50, 0.005 + 2),
        ("1.80", 10_000, 0.005 + 0.02),
    ],
)
def test_what_is_taken_for_an_error_is_rounded_to_it_or_differs_by_an_image(printed, n, half):
    error = float(printed)
    assert expect.accepted(printed, n) == pytest.approx((error - half, error + half))


def test_a_zero_that_is_printed_counts_and_is_shown(ended):
    assert ended(4, {"error": "2.00"})[0]["expected"] == 2.0
    assert ended(50, {"error": 2})[1] == {"theirs": "clean error 25%, expected 2%"}
    assert ended(50, {"error": "2.00"})[1] == {"theirs": "clean error 25%, expected 2.00%"}


def test_what_is_made_from_a_flagged_net_says_so(ended, tmp_path):
    ended(100, {"error": 2.0})
    paths, said = [tmp_path / "expected.parquet"], "clean error 50%, expected 2%"
    made = {
        "tuned": {"theirs": "Theirs"},
        "other": {"known": "Known"},
        "theirs": {"known": "Known"},
    }
    assert expect.flags(paths, made) == {"theirs": said, "tuned": f"made from Theirs: {said}"}
    labels = expect.labelled({"labels": {"tuned": "T", "other": "O"}}, paths, made)["labels"]
    assert labels == {"tuned": f"T (made from Theirs: {said})", "other": "O"}


def test_labels_of_flagged_nets_say_so_and_others_stay(ended, tmp_path):
    ended(100, {"error": 2.0})
    paths, settings = [tmp_path / "expected.parquet"], {"labels": {"theirs": "A", "b": "B"}, "k": 3}
    assert expect.labelled(settings, paths) == {
        "labels": {"theirs": "A (clean error 50%, expected 2%)", "b": "B"}, "k": 3,
    }  # fmt: skip
    assert settings["labels"]["theirs"] == "A"
    assert expect.labelled({"k": 3}, paths) == {"k": 3}
    assert expect.labelled({"labels": {"b": "B"}}, paths) == {"labels": {"b": "B"}}


def test_a_table_knows_what_is_said_against_its_nets_by_their_labels(ended, tmp_path):
    ended(100, {"error": 2.0})
    paths = [tmp_path / "expected.parquet"]
    settings = expect.labelled({"labels": {"theirs": "T", "b": "B"}}, paths)
    said = "clean error 50%, expected 2%"
    assert expect.doubts(settings, paths) == {f"T ({said})": said, "B": ""}
    assert expect.doubts({}, paths) == {"theirs": said}
    ended(4, {"error": 2.0})
    assert expect.doubts(settings, paths) == {}
