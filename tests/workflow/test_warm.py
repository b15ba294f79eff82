"""Jobs of a run on this machine start warm, and give what jobs that start by themselves give."""

import shutil


def test_jobs_that_start_by_themselves_give_the_same_bytes(finished, copied):
    for folder in ("nets/coded.s0", "attacks/lbfgs/coded.s0", "measurements", "tables", "figures"):
        shutil.rmtree(copied.results / folder)
    ended = copied.run("--no-hooks")
    assert ended.returncode == 0, ended.stdout
    assert copied.tables() == finished.tables()
    for figure in (finished.results / "figures").iterdir():
        assert (copied.results / "figures" / figure.name).read_bytes() == figure.read_bytes()
