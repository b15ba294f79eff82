"""The page as text: its content, escaped, and without external resources."""

import base64
import html
import io
import re

import pandas as pd
import pyarrow.parquet as pq
import pytest

from blindspots.config import reporting
from blindspots.report import examples, page
from blindspots.report.examples import Said
from blindspots.report.headlines import Headline, Warned
from tests.configs import full
from tests.conftest import ROOT
from tests.pages import HOSTILE, IMAGES_OF_SPLIT, SUMMARIES, checked, large, rendered, summary


def test_the_page_escapes_what_comes_from_the_config_and_the_tables(tmp_path):
    made = rendered(tmp_path)
    assert "net &lt;A&gt;" in made
    assert "net <A>" not in made
    assert "T &lt;1&gt;" in made
    assert HOSTILE not in made
    assert str(html.escape(HOSTILE).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")) in made


def plain(made):
    """Return the page without the heads that its cells repeat for phones."""
    return re.sub(r' data-head="[^"]*"', "", made)


def test_the_page_says_what_the_audit_checked_and_why_not_all(tmp_path):
    made = rendered(tmp_path)
    (row,) = [part for part in plain(made).split("<tr>") if '<th scope="row">answer</th>' in part]
    assert "<td>2</td><td>14</td>\n<td>4: model &lt;theirs&gt; is not known</td>\n<td>–</td>" in row


FETCHING = re.compile(
    r"""\b(?:src|srcset|href|data|action|poster)\s*=\s*["']([^"']*)|url\(([^)]*)"""
)
"""Attributes with the addresses that an element fetches or links to."""


def test_no_element_of_the_page_fetches_anything(tmp_path):
    made = rendered(tmp_path)
    ours = re.sub(r"<script.*?</script>", "", made, flags=re.S)
    found = [first or second for first, second in FETCHING.findall(ours)]
    assert len(found) > 20
    assert {address.partition(":")[0] for address in found if address[0] != "#"} == {"data"}
    assert "default-src 'none'" in made
    assert "@import" not in ours


def test_scripts_end_where_the_template_ends_them(tmp_path):
    made = rendered(tmp_path)
    assert made.count("</script") == 4
    assert "<!--" not in made


def test_the_page_names_the_readings_the_settings_and_the_config(tmp_path):
    scaled = {"method": "lbfgs", "decay": 1, "decay_factor": 3.5}
    net = {"model": {"method": "mlp", "hidden": []}, "trainer": scaled, "train_on": "train"}
    made = rendered(
        tmp_path,
        nets=full("presets/digits.yaml")["nets"] | {"scaled": net},
    )
    assert "decay_factor = 3.5" in made
    assert "penalty_precision = " in made
    assert "run: digits" in made
    assert "P1 7" in made


def test_readings_of_a_paper_are_of_a_config_that_refers_to_one(tmp_path):
    made = rendered(tmp_path / "a")
    said = plain(made).partition('<section id="readings">')[2].partition("</section>")[0]
    assert "<h2>Conventions " in said and ">Conventions</a>" in made
    assert "aper" not in said and "Weight decay" not in said
    assert '<th scope="row">Target</th><td>random</td>' in said
    made = rendered(tmp_path / "b", printed="papers/szegedy2013/printed.yaml")
    assert "<h2>Readings " in made and '<th scope="col">In the paper</th>' in made
    assert "Conventions" not in made
    target = "a label other than the answer; which one is not stated"
    assert f'<th scope="row">Target</th><td>{target}</td><td>random</td>' in plain(made)
    assert "<td>AE32: 0.0001 (sparse_autoencoder); the others: λ Σ w² / k as printed</td>" in plain(
        made
    )


def test_claims_of_ones_own_make_no_readings_of_a_paper(tmp_path):
    claim = {"claim": "They err", "cells": {"table": "t", "rows": "FC10-1e-4"}, "at_least": 1}
    made = rendered(tmp_path, claims=[claim])
    assert "<h2>Conventions " in made and "Readings" not in made


MY_PUSH = """
READINGS = {
    "distance": ("steps", "the L1 norm"), "search": ("tries", "none"),
    "restarts of L2": ("tries", "the best of {tries}"), 7: ("steps", "a number"),
}
def near(model, images, labels, targets=None, *, steps=3, tries=0): ...
def far(model, images, labels, targets=None, *, steps=0, tries=5): ...
"""


@pytest.mark.parametrize(
    ("method", "questions"),
    [
        ("near", ["Distance in the objective", "7"]),
        ("far", ["Search for c", "Restarts of L2"]),
    ],
)
def test_every_reading_of_a_users_method_is_a_row(tmp_path, monkeypatch, method, questions):
    (tmp_path / "my_page_push.py").write_text(MY_PUSH)
    monkeypatch.syspath_prepend(tmp_path)
    made = plain(rendered(tmp_path, attacks={"lbfgs": {"method": f"my_page_push:{method}"},
                                             "gaussian-0.1": {"method": "gaussian"}}))  # fmt: skip
    said = made.partition('<section id="readings">')[2].partition("</section>")[0]
    found = dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', said))
    assert [question for question in found if question in questions] == questions
    assert {"near": "the L1 norm", "far": "the best of 5"}[method] in found.values()
    assert ("Search for c" in found) is ("Distance in the objective" not in found)


def test_the_page_says_when_its_newest_table_was_made_and_from_what(tmp_path):
    made = rendered(tmp_path)
    assert "Tables last made 2012-12-31 18:00 UTC; commit " in made
    assert re.search(r"<dt>commit</dt><dd>[^<]*\babc\b", made)
    assert "<dt>Seeds</dt><dd>0, 3</dd>" in made


def linked(made, kind):
    found = re.findall(rf'href="data:{kind};base64,([^"]*)" download="([^"]*)"', made)
    return {name: base64.b64decode(content) for content, name in found}


def test_every_table_can_be_had_as_csv_and_as_the_files_own_bytes(tmp_path):
    made = rendered(tmp_path)
    whole = linked(made, "application/vnd.apache.parquet")
    assert list(whole) == [f"digits-{name}.parquet" for name in ("t", "large", "wide")]
    assert whole["digits-t.parquet"] == (tmp_path / "t.parquet").read_bytes()
    assert pq.read_table(io.BytesIO(whole["digits-large.parquet"])).num_rows == len(large())
    text = linked(made, "text/csv;charset=utf-8")["digits-t.csv"]
    read, expected = pd.read_csv(io.BytesIO(text)), summary()
    assert read["value"].tolist() == expected["value"].tolist()
    assert read["row_label"].tolist() == expected["row_label"].tolist()


def test_the_corner_of_a_table_is_what_its_rows_are_not_its_key(tmp_path):
    made = rendered(tmp_path)
    assert re.findall(r'<thead><tr><th scope="col"><span class="quiet">(.*?)<', made) == ["net"] * 3


def test_the_words_of_the_tables_are_explained_once(tmp_path):
    first = checked()["experiments"]["cross-model"]
    entry = {"method": "errors", "parts": ["test"], "title": "T"}
    experiments = {"cross-model": first, "again": first}
    tables = {"t": entry | {"experiment": "cross-model"}, "large": entry | {"experiment": "again"}}
    made = rendered(tmp_path, experiments=experiments, tables=tables)
    assert made.count('id="experiment-') == 2
    assert made.count("the L2 norm of a perturbation, divided by √m") == 1


def test_equal_tables_of_two_experiments_are_printed_once_and_so_are_their_key_figures(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(SUMMARIES, "large", summary)
    of = {"method": "errors", "parts": ["test"]}
    first = checked()["experiments"]["cross-model"]
    made = rendered(
        tmp_path,
        experiments={"cross-model": first, "again": first},
        tables={
            "t": of | {"experiment": "cross-model", "title": "Of this"},
            "large": of | {"experiment": "again", "title": "Of that"},
        },
    )
    assert made.count('<table class="cells') == 1
    assert '<p>The same as <a href="#table-t">Of this</a>.</p>' in made
    assert made.count("Average distortion of the perturbed images") == 1


def test_names_in_the_heads_of_a_table_are_not_broken_at_their_hyphens(tmp_path, monkeypatch):
    def named():
        frame = summary()
        return frame.assign(row_label="FC50-50-10 (P1)", column_label="at " + 30 * "a-")

    monkeypatch.setitem(SUMMARIES, "t", named)
    made = rendered(tmp_path)
    assert '<th scope="row"><span class="word">FC50-50-10</span> (P1)</th>' in made
    assert f'<th scope="col">at {30 * "a-"}</th>' in made


def test_the_titles_of_a_report_set_name_each_table_and_figure_apart():
    for members in reporting.sets().values():
        for said in ("title", "of"):
            titles = [getattr(member, said) for member in members]
            assert len(set(titles)) == len(titles)


def test_a_figure_is_described_by_its_title_and_its_files_own_words(tmp_path):
    made = rendered(tmp_path)
    assert '<img alt="F &#34;1&#34;. A curve &lt;up&gt;." src="data:image/svg+xml;base64,' in made


def test_every_cell_has_its_details_and_the_unrounded_figure_to_sort_by(tmp_path):
    made = rendered(tmp_path)
    (cell,) = re.findall(r'<td data-order="12.34" title="(.*?)"', made)
    assert cell == (
        "12.3 % error; 256 images; mean of 3 seeds; 95% interval 3.2 to 21.0, "
        "Student&#39;s, over seeds"
    )
    assert 'title="no attack succeeded' not in made
    assert 'title="9 images; no figure: no attack succeeded"' in made


def test_a_run_without_penalties_clipping_or_trainings_has_a_page(tmp_path):
    net = {"model": {"method": "mlp", "hidden": []}, "weights": "w.safetensors"}
    experiment = {"attack": "near", "part": "test", "n": 9, "sources": ["A"], "victims": ["A"]}
    made = rendered(
        tmp_path,
        nets={"A": net},
        attacks={"near": {"method": "closest"}},
        experiments={"e": experiment},
        tables={},
        figures={"examples": {"method": "distortions", "experiment": "e"}},
    )
    assert "9 of part test" in made
    assert "Search for c" not in made
    assert 'id="examples"' not in made


def test_the_page_says_where_images_are_left_out(tmp_path, monkeypatch):
    assert "kinds of images" not in rendered(tmp_path)
    monkeypatch.setattr(examples, "BYTES", 3 * 64 * 2)
    assert "The page shows 2 of 3 kinds of images" in rendered(tmp_path)


def test_an_image_that_was_not_perturbed_is_said_to_be_unaltered(tmp_path, monkeypatch):
    made = rendered(tmp_path)
    assert made.count("perturbed by 0.") == 4 * examples.IMAGES
    assert "unaltered: nothing" not in made
    plain = examples._example
    monkeypatch.setattr(examples, "_example", lambda *of: plain(*of)._replace(distortion=0.0))
    made = rendered(tmp_path)
    assert made.count("unaltered: the attack failed, or was not needed") == 4 * examples.IMAGES
    assert "perturbed by" not in made


@pytest.mark.parametrize(
    ("verdict", "mood", "mark"),
    [
        ("holds", "yes", "✓"), ("holds weakly", "partly", "≈"), ("does not hold", "no", "✗"),
        ("undecided", "open", ""), ("lower", "open", ""),
    ],
)  # fmt: skip
def test_the_first_screen_has_each_verdict_with_its_mood_figure_and_interval(verdict, mood, mark):
    line = Headline("It is close", verdict, "0.1 RMS", "0.08, 0.12", "at most 0.14", "t")
    template = page._environment(ROOT / "reports").get_template("page/summary.html.j2")
    made = template.render(
        headlines=[line],
        config=checked(),
        nets="A",
        newest=None,
        commits=["abc"],
        warned=[],
        flagged=[],
        sections=["any"],
    )
    (shown,) = re.findall(r'<ul class="headlines">(.*?)</ul>', made, re.S)
    assert f'class="verdict {mood}">' in shown
    assert " ".join(re.sub(r"<[^>]*>", "", shown).split()) == " ".join(
        f"{mark} {verdict} It is close at most 0.14 0.1 RMS [0.08, 0.12]".split()
    )


def test_a_warning_stands_above_the_key_figures_with_what_it_means(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MANY", 0.25)
    monkeypatch.setattr(page, "NEARER", 0.875)
    template = page._environment(ROOT / "reports").get_template("page/summary.html.j2")
    line = Headline("Mean distortion", "", "0.1 RMS", "", "A", "t")
    made = template.render(
        headlines=[line], config=checked(), nets="A", newest=None, commits=[], sections=["any"],
        warned=[Warned(HOSTILE, "gradients masked: zero at 5 of 6 images", "t")], flagged=[],
    )  # fmt: skip
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", "", made)).split())
    assert f"Warnings {HOSTILE}: gradients masked: zero at 5 of 6 images" in text
    assert "for at least 25% of the images" in text and "less than 0.875 of its" in text
    assert text.index("Warnings") < text.index("Athalye et al. 2018") < text.index("Key figures")
    assert "Warnings" not in rendered(tmp_path)


def test_a_page_without_tables_and_figures_says_so(tmp_path):
    empty = {"tables": {}, "figures": {}}
    made = rendered(tmp_path / "a", **empty)
    assert "no tables or figures: the config has none" in made
    assert "The results are in the files next to it" in made
    made = rendered(tmp_path / "b", **empty, experiments={})
    assert "No net was attacked: the config has no <code>experiments:</code> either." in made
    assert "no tables or figures" not in rendered(tmp_path / "c")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("=1+1", "'=1+1"), ("+A", "'+A"), ("-A", "'-A"), ("@A", "'@A"), ("\tA", "'\tA"),
        ("\rA", "'\rA"), ("A=1", "A=1"), ("-0.5", "-0.5"), ("+3e-2", "+3e-2"), (-0.5, -0.5),
        (None, None),
    ],
)  # fmt: skip
def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay(cell, expected):
    assert page.harmless(cell) == expected


def test_a_label_that_is_a_formula_is_quoted_in_the_csv_alone(tmp_path, monkeypatch):
    label = '=HYPERLINK("http://x")'
    monkeypatch.setitem(SUMMARIES, "t", lambda: summary().assign(row_label=label, value=-1.0))
    made = rendered(tmp_path)
    text = linked(made, "text/csv;charset=utf-8")["digits-t.csv"]
    read = pd.read_csv(io.BytesIO(text))
    assert set(read["row_label"]) == {f"'{label}"}
    assert read["value"].tolist() == [-1.0] * 3
    whole = linked(made, "application/vnd.apache.parquet")["digits-t.parquet"]
    assert set(pq.read_table(io.BytesIO(whole))["row_label"].to_pylist()) == {label}


def test_a_rejected_answer_is_shown_as_such_and_not_as_an_error(tmp_path, monkeypatch):
    plain = examples._example

    def rejected(*given):
        example = plain(*given)
        before, after = Said("RIGHT", example.label, 1.0), Said("REJECTED", -1, 1.0)
        answers = [one._replace(before=before, after=after) for one in example.answers]
        return example._replace(answers=answers)

    monkeypatch.setattr(examples, "_example", rejected)
    made = rendered(tmp_path)
    assert 'class="wrong"' not in made.partition('id="gallery"')[2]
    assert made.count("<b>rejected</b>") == 4 * examples.IMAGES * 2


def test_a_cell_has_its_interval_and_the_papers_figure(tmp_path):
    (cell,) = re.findall(r'<td data-order="100.0"[^>]*Wilson.*?</td>', rendered(tmp_path))[:1]
    assert 'style="--share:1.000"' in cell
    assert re.sub(r"<[^>]*>", "", cell) == "100.0 [98.5, 100.0] paper 100"


def test_every_split_is_of_its_seed(tmp_path):
    template = page._environment(ROOT / "reports").get_template("page/origin.html.j2")
    other = IMAGES_OF_SPLIT | {"P2": 9, "train": 17, "duplicates within test": 1}
    made = template.render(
        config=checked(), splits=[{"images": IMAGES_OF_SPLIT}, {"images": other}], audit=[],
        settings=[], config_text="", commits=[], versions={},
    )  # fmt: skip
    said = [" ".join(text.split()) for text in re.findall(r"<p>(Seed .*?)</p>", made, re.S)]
    duplicates = "Training images left out as duplicates: 3; test images that repeat another:"
    assert said == [
        f"Seed 0: train 16, of which P1 7 and P2 8; validation 2; test 5. {duplicates} 0.",
        f"Seed 3: train 17, of which P1 7 and P2 9; validation 2; test 5. {duplicates} 1.",
    ]


def test_the_audit_shows_the_largest_discrepancy():
    line = {"check": "radius", "asserts": "so", "nets": 1, "checked": 2, "unchecked": 0}
    template = page._environment(ROOT / "reports").get_template("page/origin.html.j2")
    made = template.render(
        config=checked(), splits=[], audit=[line | {"reason": None, "discrepancy": 0.00123}],
        settings=[], config_text="", commits=[], versions={},
    )  # fmt: skip
    assert "<td>0</td>\n<td>0.0012</td>" in plain(made)
