"""Files of exported memory: written in one go, never over something else; read line by line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from app.errors import OutputError
from memory.errors import MemoryFileError
from memory.memory_files import MEMORY_FILE

__all__ = ["export_lines", "read_export", "write_export"]

STDIN: Final = Path("-")


def write_export(path: Path, lines: Iterable[str]) -> int:
    """Write an export; how many lines it has.

    Raises:
        OutputError: If it cannot be written, or there is a file that is none.
    """
    beside = path.with_name(f"{path.name}.part")
    try:
        if path.exists() and not _is_export(path):
            raise OutputError(f"There is a {path} that is no exported memory; choose another name.")
        count = 0
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines:
                file.write(line)
                count += 1
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return count


def read_export(path: Path) -> Iterator[str]:
    """The lines of an export, or of stdin where it is called "-".

    Raises:
        MemoryFileError: If it cannot be read.
    """
    try:
        with nullcontext(sys.stdin.buffer) if path == STDIN else path.open("rb") as file:
            yield from export_lines(file)
    except OSError as error:
        raise MemoryFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def export_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """The lines of an export that is read as bytes.

    Raises:
        MemoryFileError: If one is not UTF-8.
    """
    for number, line in enumerate(lines, start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MemoryFileError(f"Line {number} cannot be imported: it is not UTF-8.") from error


def _is_export(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().strip() == json.dumps(MEMORY_FILE).encode()
