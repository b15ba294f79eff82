import pandas as pd
import yaml

from blindspots import config, report, tables
from blindspots.analyses import _summary
from blindspots.audit.run import SCHEMA as SCHEMA_OF_AUDIT
from tests.conftest import ROOT

SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text("utf-8"))


def summary():
    return pd.DataFrame(
        {
            "row": ["A", "A", "B"], "row_label": ["net <A>", "net <A>", "net B"],
            "column": ["A", "distortion", "A"], "column_label": ["A & co", "distortion", "A & co"],
            "value": [100.0, 0.0625, 12.34], "unit": ["% error", "RMS per pixel", "% error"],
            "n": 256, "networks": [1, 1, 3], "paper": [100.0, 0.062, None],
            "low": [98.5, None, 3.21], "high": [100.0, None, 21.0],
            "interval": ["wilson", None, "student"], "text": None, "reason": None,
        }
    )  # fmt: skip


def rendered(tmp_path, **changes):
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8")) | changes
    checked = config.check(raw, SCHEMA)
    tables.write(
        tmp_path / "t.parquet",
        tables.from_frame(summary(), _summary.SCHEMA),
        {"title": "T <1>", "commit": "abc"},
    )
    tables.write(tmp_path / "s.parquet", tables.build({"x": [1]}, PLAIN), {"images": {"P1": 7}})
    (tmp_path / "f.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    audit = tmp_path / "a.parquet"
    tables.write(audit, tables.pa.Table.from_pylist(AUDIT, SCHEMA_OF_AUDIT), {})
    return report.render(
        ROOT / "reports/report.html.j2",
        config=checked,
        summaries=[tmp_path / "t.parquet"],
        figures={"examples": tmp_path / "f.svg"},
        splits=[tmp_path / "s.parquet"],
        audit=audit,
    )


AUDIT = [
    {
        "net": net, "seed": 0, "check": "answer", "checked": 7, "unchecked": 2,
        "reason": "model <theirs> is not known", "discrepancy": None,
    } for net in ("A", "B")
]  # fmt: skip
PLAIN = tables.pa.schema([("x", tables.pa.int64())])


def test_a_table_is_laid_out_in_its_order_with_the_papers_figures():
    table = report.printable("t", "T", summary())
    assert table.columns == ["A & co", "distortion"]
    assert [label for label, _ in table.rows] == ["net <A>", "net B"]
    first, second = (cells for _, cells in table.rows)
    assert (first[0].value, first[0].paper, first[0].shade) == ("100.0", "100", 1.0)
    assert (first[1].value, first[1].paper, first[1].shade) == ("0.062", "0.062", None)
    assert second[0].paper == ""
    assert second[0].note == "256 images, mean of 3 networks"
    assert second[1] is None
    assert table.has_paper


def test_the_page_escapes_what_comes_from_the_config_and_the_tables(tmp_path):
    page = rendered(tmp_path)
    assert "net &lt;A&gt;" in page
    assert "net <A>" not in page
    assert "T &lt;1&gt;" in page


def test_the_page_says_what_the_audit_checked_and_why_not_all(tmp_path):
    page = rendered(tmp_path)
    (row,) = [part for part in page.split("<tr>") if '<th scope="row">answer</th>' in part]
    assert "<td>2</td><td>14</td>\n<td>4: model &lt;theirs&gt; is not known</td>\n<td>–</td>" in row


def test_the_page_fetches_nothing(tmp_path):
    page = rendered(tmp_path)
    for mark in ("http://", "https://", "<script", "@import", "url("):
        assert mark not in page


def test_the_page_names_the_readings_the_settings_and_the_config(tmp_path):
    page = rendered(tmp_path, decay_scale=3.5)
    assert "decay_scale = 3.5" in page
    assert "penalty_precision = " in page
    assert "run: digits" in page
    assert "P1 7" in page


def test_settings_in_effect_are_defaults_and_what_the_config_says():
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    found = {key: text for key, _, text in report.settings_in_effect(config.check(raw, SCHEMA))}
    assert "tolerance = 0.002" in found["nets.FC50-50-10.trainer"]
    assert "decay_scale = 1" in found["nets.FC50-50-10.trainer"]
    assert "activation = sigmoid" in found["nets.FC50-50-10.model"]
    assert "target = random" in found["attacks.lbfgs"]
    assert "target" not in found["attacks.gaussian-0.1"]


def test_a_table_says_what_its_figures_are_from_and_why_one_is_missing():
    frame = summary()
    frame.loc[2, ["value", "low", "high"]] = None
    frame.loc[2, "reason"] = "no attack succeeded"
    table = report.printable("t", "T", frame)
    first, second = (cells for _, cells in table.rows)
    assert (first[0].interval, first[1].interval) == ("98.5, 100.0", "")
    assert second[0].value == "– (1)"
    assert table.footnotes == ["no attack succeeded"]
    assert table.caption.startswith("n = 256 images, mean of 3 networks, in square brackets")


def test_a_text_is_shown_as_it_is():
    table = report.printable("t", "T", summary().assign(text="holds"))
    assert table.rows[0][1][0].value == "holds"


def test_the_readings_are_said_once_with_who_differs():
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    raw["attacks"]["near"] = {"method": "lbfgs", "target": "next", "distance": "l2"}
    raw["experiments"]["other"] = raw["experiments"]["cross-model"] | {"attack": "near"}
    found = report.readings_taken(config.check(raw, SCHEMA))
    assert found["decay"] == "as printed times 1"
    assert found["target"] == "random; next: other"
    assert found["distance"] == "c·‖r‖₂², smooth at 0; c·‖r‖₂: near"
    assert found["search"] == "the largest c that reaches the target, bracketed and bisected"


def test_a_run_without_penalties_clipping_or_trainings_has_a_page(tmp_path):
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    net = {"model": {"method": "mlp", "hidden": []}, "weights": "w.safetensors"}
    experiment = {"attack": "near", "part": "test", "n": 9, "sources": ["A"], "victims": ["A"]}
    page = rendered(
        tmp_path,
        nets={"A": net},
        attacks={"near": {"method": "closest"}},
        experiments={"e": experiment},
        tables={},
        figures={"examples": raw["figures"]["distortions"] | {"experiment": "e"}},
    )
    assert "9 of part test" in page
    assert "Search for c" not in page


def test_the_readings_say_how_examples_were_mixed_in_or_that_they_were_not():
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    assert "pools" not in report.readings_taken(config.check(raw, SCHEMA))
    raw["nets"]["FC50-50-10"]["trainer"] = {
        "method": "adversarial_pools", "layers": "input", "strength": 0.05, "decay": 0.1,
    }  # fmt: skip
    raw["nets"]["FC50-50-10-P1"]["trainer"] = {"method": "adversarial_pools", "layers": []}
    found = report.readings_taken(config.check(raw, SCHEMA))
    assert found["pools"] == "of input, closest, at most 0.05 RMS per unit, 50% of a batch"
    assert "decoupled from the gradient (AdamW): FC50-50-10" in found["decay"]
