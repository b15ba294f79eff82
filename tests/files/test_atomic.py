import signal
import subprocess
import sys

import pytest

from blindspots.files.atomic import replacing
from tests.conftest import ROOT


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


WRITES = """
import sys
from blindspots.files.atomic import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_text("another's")
    if len(sys.argv) > 2:
        import os
        os.kill(os.getpid(), 9)
"""


def elsewhere(path, *options):
    command = [sys.executable, "-c", WRITES, str(path), *options]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def test_two_writers_of_a_file_do_not_touch_each_others_part(tmp_path):
    path = tmp_path / "t [1].parquet"
    with replacing(path) as temporary:
        temporary.write_text("mine")
        assert elsewhere(path) == 0
        assert path.read_text() == "another's"
        assert temporary.read_text() == "mine"
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "t [1].parquet"
    assert elsewhere(path, "be killed") == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    with replacing(path) as temporary:
        temporary.write_text("mine")
    assert list(tmp_path.iterdir()) == [path]
