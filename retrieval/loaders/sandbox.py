"""One child process per file: started bare, watched, and ended whatever happens."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

import psutil

from retrieval.document import Document
from retrieval.errors import ParseLimitError
from retrieval.loaders.limits import ParseLimits
from retrieval.loaders.names import shown
from retrieval.loaders.wire import unpack

__all__ = ["CHILD_COMMAND", "parse_in_child"]

# -I: no environment, no user site, no current folder on the path; -B: no bytecode written.
CHILD_COMMAND = (sys.executable, "-I", "-B", "-X", "utf8", str(Path(__file__).with_name("child.py")))
_POLL_SECONDS = 0.1
_MAX_STDERR = 64_000


class _OverrunError(Exception):
    """The child went over a limit that the parent watches; the text completes "<file> <text>"."""


def parse_in_child(
    descriptor: int, name: str, size: int, limits: ParseLimits, command: Sequence[str]
) -> Document:
    """Return the Document that a child makes of an open file.

    Args:
        descriptor: Open for reading; becomes the child's standard input.
        name: The file's name, for messages and titles.
        size: Its bytes, for the time limit.
        limits: Passed on to the child, which sets those the system enforces; the rest is watched from here.
        command: The child; gets one more argument, JSON with `name`, `limits`, `parent` and `cpu_seconds`.

    Raises:
        LoadError: What the child found, or ParseLimitError if it was stopped or broke down.
    """
    seconds = limits.wall_seconds(size)
    order = {"name": name, "limits": asdict(limits), "parent": os.getpid(), "cpu_seconds": int(seconds) + 2}
    child = subprocess.Popen(
        [*command, json.dumps(order)],
        stdin=descriptor,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C.UTF-8"},  # no secrets of ours, no settings that change how it runs
        cwd="/",
    )
    try:
        output, complaints = _collect(child, seconds, limits)
        child.wait(timeout=5)
    except _OverrunError as overrun:
        raise ParseLimitError(f"{shown(name)} {overrun}.") from None
    except subprocess.TimeoutExpired:
        raise ParseLimitError(f"{shown(name)} could not be read: its parser did not end.") from None
    finally:
        _end(child)
    try:
        return unpack(output)
    except ValueError as error:
        failure = ParseLimitError(f"{shown(name)} could not be read: {_ending(child.returncode)}.")
        failure.add_note(complaints.decode("utf-8", errors="replace")[-2000:])
        raise failure from error


def _collect(child: subprocess.Popen[bytes], seconds: float, limits: ParseLimits) -> tuple[bytes, bytes]:
    """Read both pipes to their end while watching the clock and the memory of the child."""
    assert child.stdout is not None
    assert child.stderr is not None
    deadline = time.monotonic() + seconds
    max_output = 4 * limits.max_characters + 64_000_000
    watched = psutil.Process(child.pid)
    output, complaints = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((child.stdout, output), (child.stderr, complaints)):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, kept)
        next_poll = time.monotonic() + _POLL_SECONDS
        while selector.get_map():
            for key, _ in selector.select(timeout=_POLL_SECONDS):
                _drain(key.fileobj, key.data, selector)  # type: ignore[arg-type]  # registered as pipes above
            del complaints[:-_MAX_STDERR]
            now = time.monotonic()
            if now > deadline:
                raise _OverrunError(f"took longer to read than the {seconds:.0f} seconds allowed")
            if len(output) > max_output:
                raise _OverrunError(
                    f"turned into more text than the {limits.max_characters:,} characters allowed"
                )
            if now > next_poll:
                next_poll = now + _POLL_SECONDS
                if _resident_bytes(watched) > limits.memory_megabytes * 1_000_000:
                    raise _OverrunError(
                        f"needs more memory to read than the {limits.memory_megabytes:,} MB allowed"
                    )
    return bytes(output), bytes(complaints)


def _drain(pipe: IO[bytes], kept: bytearray, selector: selectors.BaseSelector) -> None:
    block = os.read(pipe.fileno(), 1 << 20)
    if block:
        kept += block
    else:
        selector.unregister(pipe)


def _resident_bytes(watched: psutil.Process) -> int:
    try:
        return int(watched.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def _ending(returncode: int | None) -> str:
    """Words for how a child ended that gave no result."""
    if returncode == -signal.SIGXCPU:
        return "its parser used up its processor time"
    if returncode == -signal.SIGKILL:
        return "its parser was stopped by the system, most likely for its memory"
    if returncode is not None and returncode < 0:
        return f"its parser crashed ({signal.Signals(-returncode).name})"
    return "its parser broke down"
