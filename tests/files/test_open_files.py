"""More tables than a process may have files open."""

import errno
import resource
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from blindspots.audit import files
from blindspots.files import tables
from blindspots.files.parquet import damage
from blindspots.interface import InputError
from tests.conftest import ROOT

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string()),
        pa.field("attack", pa.string()),
        pa.field("eps", pa.float64()),
        pa.field("index", pa.int32()),
        pa.field("success", pa.bool_()),
        pa.field("outcome", pa.string()),
        pa.field("distortion", pa.float64()),
        tables.image_field((1, 2, 2)),
    ]
)
MANY = 100
READS = """
import resource, sys
from pathlib import Path
import numpy as np
import torch
from blindspots.files.images import Images
from blindspots.files.parts import Parts
from blindspots.interface import Box
from blindspots.measurements.exhibits import attacked

paths = sorted(Path(sys.argv[1]).glob("*.parquet"))
data = Images(torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64), np.arange(4), "test",
              10, Box(0.0, 1.0), "D")
resource.setrlimit(resource.RLIMIT_NOFILE, (50, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
every = Parts(paths, most=40)
assert len(every) == len(every.frame()) == sum(map(len, every.by("index"))) == 4 * len(paths)
assert list(every.distinct(["net"])["net"]) == [f"{path.stem}" for path in paths]
exhibits = [exhibit for path in paths for exhibit in attacked(path, data, [], clip=True)]
for number, exhibit in enumerate(exhibits):
    assert (exhibit.images == number).all()
"""


@pytest.fixture
def folder(tmp_path):
    for number in range(MANY):
        columns = {
            "net": f"{number:03}", "attack": "closest", "eps": None, "index": np.arange(4),
            "success": True, "outcome": "RIGHT", "distortion": 0.1,
            "image": np.full((4, 1, 2, 2), number),
        }  # fmt: skip
        tables.write(tmp_path / f"{number:03}.parquet", tables.build(columns, SCHEMA), {})
    return tmp_path


def test_more_tables_than_files_may_be_open_are_read_by_parts_and_shown(folder):
    ended = subprocess.run(
        [sys.executable, "-c", READS, str(folder)], cwd=ROOT, check=False, capture_output=True
    )
    assert ended.returncode == 0, ended.stderr.decode()


def test_a_file_that_is_one_too_many_is_not_called_damaged(folder):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    path = folder / "000.parquet"
    reads = (tables.read, files.metadata)
    for read in reads:
        read(path)  # so that what they import and start is there
    caught = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))  # files that are open stay open
    try:
        for read in reads:
            with pytest.raises(OSError) as found:
                read(path)
            caught.append(found.value.errno)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert caught == [errno.EMFILE] * 2


@pytest.mark.parametrize(
    "error",
    [PermissionError(errno.EACCES, "no"), OSError(errno.ENFILE, "no"), pa.ArrowMemoryError("no")],
    ids=["access", "files", "memory"],
)
def test_what_the_machine_lacks_is_no_damage(error):
    with pytest.raises(type(error)) as caught, damage("t.parquet"):
        raise error
    assert caught.value is error
    with pytest.raises(InputError, match="found a damaged one"), damage("t.parquet"):
        raise OSError(errno.EIO, "no")
