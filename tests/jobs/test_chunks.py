"""A job's finished chunks are read by a job with the same key, and by no other."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX
from blindspots.jobs import chunks
from blindspots.jobs.chunks import forget, resumable

N, CHUNK = 7, 3
DATA = Images(torch.zeros(N, 1, 2, 2), torch.zeros(N).long(), np.arange(N), "test", 2, UNIT_BOX)


class Killed(BaseException):
    """A job was killed half-way."""


class Job:
    """A job that records which images it computes, and that may be killed before some."""

    def __init__(self, tmp_path, key="one", **settings):
        self.output, self.key, self.settings = tmp_path / "a.parquet", key, settings
        self.made, self.shown = [], []

    def run(self, until=N):
        def make(part):
            if part.rows[0] >= until:
                raise Killed
            self.made.append(part.rows.tolist())
            return pa.table({"index": part.rows, "key": [self.key] * len(part.rows)})

        found = resumable(
            self.output, self.key, DATA, CHUNK, make, progress=self.shown.append, **self.settings
        )
        return pa.concat_tables(part.replace_schema_metadata() for part in found).combine_chunks()

    @property
    def kept(self):
        return sorted(path.name for path in self.output.with_suffix(".chunks").glob("*"))


@pytest.fixture
def killed(tmp_path):
    job = Job(tmp_path)
    with pytest.raises(Killed):
        job.run(until=6)
    assert job.kept == ["0-3.parquet", "3-6.parquet"]
    return job


def test_the_same_job_makes_what_is_missing_alone(killed, tmp_path):
    whole = Job(tmp_path / "elsewhere").run()
    again = Job(tmp_path)
    assert again.run().equals(whole) and whole["index"].to_pylist() == [*range(N)]
    assert again.made == [[6]] and again.shown == [3, 6, 7]


def test_a_job_that_does_something_else_makes_all_anew(killed, tmp_path):
    other = Job(tmp_path, key="other")
    assert set(other.run()["key"].to_pylist()) == {"other"}
    assert other.made == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_damaged_chunk_is_made_anew_and_said(killed, tmp_path, capsys):
    path = killed.output.with_suffix(".chunks") / "0-3.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    again = Job(tmp_path)
    again.run()
    assert again.made == [[0, 1, 2], [6]]
    assert "0-3.parquet" in capsys.readouterr().err


def test_a_short_job_writes_no_chunks(tmp_path):
    job = Job(tmp_path, every=3600)
    with pytest.raises(Killed):
        job.run(until=6)
    assert job.kept == [] and not job.output.with_suffix(".chunks").exists()


def test_a_long_job_writes_what_would_take_too_much_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "WAITING", 50)  # bytes of four rows or more
    job = Job(tmp_path, every=3600)
    with pytest.raises(Killed):
        job.run(until=6)
    assert job.kept == ["0-3.parquet", "3-6.parquet"]


def test_all_chunks_are_kept_until_the_job_forgets_them(tmp_path):
    whole = Job(tmp_path)
    expected = whole.run()
    assert whole.kept == ["0-3.parquet", "3-6.parquet", "6-7.parquet"]
    again = Job(tmp_path)
    assert again.run().equals(expected) and again.made == []
    forget(again.output)
    assert again.kept == [] and not again.output.with_suffix(".chunks").exists()
