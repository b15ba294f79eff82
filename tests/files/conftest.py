import pytest

from blindspots.files.rows import Rows


@pytest.fixture
def groups(monkeypatch):
    """Row groups in the order in which they are read: path, number, and rows of each."""
    found, group = [], Rows.group

    def noting(rows, number):
        made = group(rows, number)
        found.append((rows.path, number, len(made)))
        return made

    monkeypatch.setattr(Rows, "group", noting)
    return found
