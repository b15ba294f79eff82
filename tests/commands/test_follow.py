"""A command that is followed ends in order, whichever process gets whichever signal."""

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

FOLLOWED = """
import signal, sys
try:
    print("begun", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("ends in order", flush=True)
    sys.exit(3)
"""
FOLLOWER = f"""
import sys
from blindspots.commands._follow import follow
sys.exit(follow([sys.executable, "-c", {FOLLOWED!r}]))
"""


@pytest.fixture
def begin():
    """A function that follows a command, which waits for a signal, with some signals ignored."""
    running = []

    def begun(*ignored):
        def prepare():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

        process = subprocess.Popen(
            [sys.executable, "-c", FOLLOWER], stdout=subprocess.PIPE, text=True, cwd=ROOT,
            start_new_session=True, preexec_fn=prepare,
        )  # fmt: skip
        running.append(process)
        assert process.stdout.readline() == "begun\n"
        return process

    yield begun
    for process in running:
        process.stdout.close()
        process.wait()


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["alone", "with its group"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_interrupts_the_command_once_and_waits_for_its_end(begin, send, number):
    process = begin()
    send(process.pid, number)
    assert process.stdout.read() == "ends in order\n"
    assert process.wait() == 128 + number


def test_what_is_ignored_stays_ignored_and_the_rest_still_stops_the_command(begin):
    process = begin(signal.SIGINT, signal.SIGHUP)  # in the background, by nohup
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)
    assert process.stdout.read() == "ends in order\n"
    assert process.wait() == 128 + signal.SIGTERM


def test_paused_and_woken_it_goes_on(begin):
    process = begin()
    os.kill(process.pid, signal.SIGTSTP)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(process.pid, signal.SIGCONT)
    os.kill(process.pid, signal.SIGINT)
    assert process.stdout.read() == "ends in order\n"
    assert process.wait() == 128 + signal.SIGINT


@pytest.mark.parametrize("status", [0, 7])
def test_the_status_of_a_command_that_ends_by_itself_is_its_own(status):
    code = FOLLOWER.replace(repr(FOLLOWED), repr(f"exit({status})"))
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == status
