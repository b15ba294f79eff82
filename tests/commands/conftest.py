"""The command in a folder of its own."""

import sys

import pytest

from blindspots import __main__ as command


@pytest.fixture
def blindspots(tmp_path, monkeypatch, capsys):
    """A command in an empty folder; returns exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def given(*arguments):
        status = 0
        try:
            command.main(arguments)
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        if isinstance(status, str):  # what Python prints at exit
            status, err = 1, status
        return status, out, err

    return given
