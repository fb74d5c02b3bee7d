"""Names of workers that tell where they run, so that one that is gone from this machine is known at once."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Final

__all__ = ["is_gone", "worker_name"]

PROC: Final = Path("/proc")


def worker_name() -> str:
    """A name that no other worker has: its machine and boot, its process and start, and a random number."""
    pid = os.getpid()
    return " ".join([*_machine(), str(pid), _began(pid) or "?", secrets.token_hex(4)])


def is_gone(name: str) -> bool:
    """Whether that worker ran on this machine and its process has ended; False if that cannot be told."""
    words = name.split(" ")
    if len(words) != 6 or tuple(words[:3]) != _machine() or not words[3].isdecimal():
        return False
    return words[4] != "?" and _began(int(words[3])) != words[4]


def _machine() -> tuple[str, str, str]:
    """Its name, its boot, and the namespace in which its process ids count (containers have their own)."""
    return socket.gethostname().replace(" ", "-"), _boot(), _namespace()


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "-"  # not Linux: the start time of the process tells boots apart


def _namespace() -> str:
    try:
        return os.readlink(PROC / "self/ns/pid")
    except OSError:
        return "-"


def _began(pid: int) -> str | None:
    """When a process began, None if it has ended; a process that only waits to be buried has."""
    try:
        # Not psutil's time of day: it moves when the clock is set, and a living worker would seem gone.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZXx" else fields[19]
    except OSError:
        if (PROC / "self/stat").exists():
            return None
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(round(process.create_time()))
    except psutil.Error:
        return None
