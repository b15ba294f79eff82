"""Run a command to its end, even if this process is asked to stop meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO


def follow(command: Sequence[str], output: IO[str] | None = None) -> int:
    """Run a command to its end, even if this process is interrupted, terminated or hung up on.

    The command has a process group of its own, so that a request to stop (Ctrl-C, a closed
    terminal, a supervisor) reaches only this process. It then passes on one SIGINT, on which
    Snakemake and its jobs shut down in order.

    Args:
        command: program and arguments.
        output: file for the command's output; by default, the output of this process.

    Returns:
        Its exit status; 130 after Ctrl-C, 143 after a request to terminate, 129 after a hang-up.
    """
    received: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def to_all(number: int) -> None:
        if process is not None:
            with suppress(ProcessLookupError):  # it has ended
                os.killpg(process.pid, number)

    def stop(number: int, _: object) -> None:
        received.append(number)
        to_all(signal.SIGINT)

    def pause(_number: int, _: object) -> None:
        to_all(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGSTOP)  # until the shell's fg or bg
        to_all(signal.SIGCONT)

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)
    before = {number: signal.getsignal(number) for number in wanted}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, pause if number == signal.SIGTSTP else stop)
    # Python then reads files as UTF-8 in any locale; the terminal may have fewer characters.
    prints = getattr(sys.stderr, "encoding", None) or "utf-8"
    env = {"PYTHONUTF8": "1", "PYTHONIOENCODING": f"{prints}:backslashreplace"}
    process = subprocess.Popen(
        command, stdout=output, stderr=output, process_group=0, env=os.environ | env,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    if received:  # before the command began
        to_all(signal.SIGINT)
    status = process.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    return 128 + received[0] if received and status else status
