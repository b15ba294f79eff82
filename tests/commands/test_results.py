"""Pages that the command `results` writes."""

import shlex

from blindspots.runs import markdown


def test_a_page_names_its_command_and_has_no_history_of_a_net_that_no_job_needs(
    blindspots, monkeypatch, tmp_path
):
    blindspots("new", "my.yaml")
    (tmp_path / "over.yaml").write_text("experiments: {transfer: {nets: [linear]}}\n")
    made = tmp_path / "results/my/nets/linear.s0/history.parquet"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"")
    found = {}

    def page(config, tables, histories, command, **more):
        assert {"linear", "sigmoid"} <= config["nets"].keys()
        found.update(histories=histories, command=command)
        return "a page\n"

    monkeypatch.setattr(markdown, "page", page)
    given = ["results", "my.yaml", "over.yaml", "MY.md", "--note", "It's [theirs](THEIRS.md)."]
    assert blindspots(*given) == (0, "wrote MY.md\n", "")
    assert found["histories"] == {"linear, seed 0": made.relative_to(tmp_path)}
    assert shlex.split(found["command"]) == ["blindspots", *given]
