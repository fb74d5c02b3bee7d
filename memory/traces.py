"""Looking for texts by their bytes in every file of a folder: what was forgotten must not be there any more.

A file may hold a text as UTF-8, as UTF-16, or inside JSON with its characters escaped, and it may hold it in
parts: a database cuts long texts at the ends of its pages. So long texts are looked for piece by piece.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PIECES", "SHORTEST", "Needles", "Search", "Trace", "find_traces"]

SHORTEST: Final = 5
"""Bytes below which a text is not looked for: four bytes stand by chance somewhere in most gigabytes."""

PIECE: Final = 24
"""Characters of the pieces that longer texts are looked for in; a page of a database has 4,096 bytes."""

MOST_PIECES: Final = 100_000
"""Of a long document so many pieces are looked for, taken evenly: up to 2.4 million characters of it."""

CHILD: Final = (sys.executable, "-I", "-B", "-X", "utf8", __file__)
"""Runs this file alone: nothing of the environment and of the working folder is on its path."""

BLOCK: Final = 4 << 20
WINDOW: Final = 8
BITS: Final = 22
PRIME: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Trace:
    """A file that holds a piece of a text."""

    path: Path
    piece: str


@dataclass(frozen=True, slots=True)
class Search:
    """What a search has come to: the traces, and how many files and bytes were read."""

    traces: tuple[Trace, ...]
    files: int
    bytes: int


class Needles:
    """Texts to be found in bytes, all of them in one pass.

    Args:
        texts: What is looked for, in `pieces`; texts of fewer than `SHORTEST` bytes are left out.
        most: So many pieces at most, taken evenly from all; `all_pieces` is how many there are.
    """

    def __init__(self, texts: Iterable[str], most: int = MOST_PIECES) -> None:
        pieces = list(dict.fromkeys(piece for text in texts for piece in _pieces(text.strip())))
        self.all_pieces = len(pieces)
        step = max(len(pieces) / most, 1.0)
        self.pieces = [pieces[int(n * step)] for n in range(int(len(pieces) / step))]
        self._short: dict[bytes, int] = {}
        by_start: dict[bytes, dict[bytes, int]] = {}
        for number, piece in enumerate(self.pieces):
            for form in _forms(piece):
                if len(form) < WINDOW:
                    self._short[form] = number
                else:
                    by_start.setdefault(form[:WINDOW], {})[form] = number
        ordered = sorted(by_start, key=lambda start: int.from_bytes(start, "little"))
        self._starts = np.array([int.from_bytes(start, "little") for start in ordered], np.uint64)
        self._forms = [by_start[start] for start in ordered]
        self._hashed = np.zeros(1 << BITS, np.bool_)
        self._hashed[_hash(self._starts)] = True
        lengths = [len(form) for forms in by_start.values() for form in forms]
        self.longest = max([*lengths, *map(len, self._short)], default=0)

    def found(self, block: bytes) -> set[int]:
        """Numbers, in `pieces`, of those that stand in a block of bytes."""
        found = {number for form, number in self._short.items() if form in block}
        if not len(self._starts):
            return found
        for offset in range(WINDOW):
            # All windows that begin at this offset or a multiple of eight behind it, as numbers.
            count = (len(block) - offset) // WINDOW
            if count < 1:
                break
            windows = np.frombuffer(block, "<u8", count, offset)
            places = np.flatnonzero(self._hashed[_hash(windows)])
            at = np.minimum(np.searchsorted(self._starts, windows[places]), len(self._starts) - 1)
            same = self._starts[at] == windows[places]
            for place, start in zip(places[same].tolist(), at[same].tolist(), strict=True):
                position = place * WINDOW + offset
                for form, number in self._forms[start].items():
                    if number not in found and block.startswith(form, position):
                        found.add(number)
        return found

    def found_in_texts(self, texts: Iterable[str]) -> set[int]:
        """The same for texts, such as the cells of a table."""
        found: set[int] = set()
        held: list[bytes] = []
        size = 0
        for text in texts:
            held.append(text.encode("utf-8", "replace"))
            size += len(held[-1])
            if size >= BLOCK:
                found |= self.found(b"\0".join(held))
                held, size = [], 0
        return found | self.found(b"\0".join(held))


def find_traces(home: Path, needles: Needles) -> Search:
    """Read every file below `home` and tell which of them hold pieces of the texts.

    A file that goes while it is read, as those of an index do that is written anew, is no trace.

    Another process does it. POSIX takes all locks on a file from a process as soon as that closes the file,
    however often it has it open besides: SQLite would lose those on a database that is open here, and the
    next program that opens and closes it would take its journal for nobody's, and delete it with what
    has been written since (https://www.sqlite.org/howtocorrupt.html, section 2.2).

    Raises:
        OSError: If a file cannot be read.
    """
    order = json.dumps({"home": str(home.absolute()), "pieces": needles.pieces})
    ran = subprocess.run(CHILD, input=order.encode("ascii"), stdout=subprocess.PIPE, check=False)
    if ran.returncode:
        raise OSError(errno.EIO, f"the search for traces has ended with {ran.returncode}", str(home))
    told = json.loads(ran.stdout)
    if "error" in told:
        raise OSError(*told["error"])
    traces = tuple(Trace(Path(path), piece) for path, piece in told["traces"])
    return Search(traces, told["files"], told["bytes"])


def _searched(home: Path, needles: Needles) -> Search:
    traces: list[Trace] = []
    files = size = 0
    for path in _files(home):
        found: set[int] = set()
        try:
            for block in _blocks(path, max(needles.longest - 1, 0)):
                found |= needles.found(block)
                size += len(block)
        except FileNotFoundError:
            continue
        files += 1
        traces += [Trace(path, needles.pieces[number]) for number in sorted(found)]
    return Search(tuple(traces), files, size)


def _files(home: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(home):
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _blocks(path: Path, overlap: int) -> Iterator[bytes]:
    """A file in blocks, each beginning with the end of the one before."""
    with path.open("rb", buffering=0) as file:
        end = b""
        while block := file.read(BLOCK):
            yield end + block
            end = (end + block)[-overlap:] if overlap else b""


def _pieces(text: str) -> list[str]:
    """A short text whole, a longer one in pieces, the last of them as long as the others."""
    starts = range(0, len(text) - PIECE, PIECE)
    pieces = [text[start : start + PIECE].strip() for start in [*starts, max(len(text) - PIECE, 0)]]
    return [piece for piece in pieces if len(piece.encode("utf-8", "replace")) >= SHORTEST]


def _forms(text: str) -> set[bytes]:
    """The bytes by which a file may hold a text; those of a JSON string without its quotes."""
    text = text.encode("utf-8", "replace").decode()
    plain, escaped = json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]
    return {
        text.encode(),
        plain.encode(),
        escaped.encode(),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
    }


def _hash(windows: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Numbers of `BITS` bits."""
    with np.errstate(over="ignore"):
        hashed: NDArray[np.intp] = ((windows * PRIME) >> np.uint64(64 - BITS)).astype(np.intp)
    return hashed


def _main() -> None:
    """The process that searches: an order on stdin, what was found on stdout, both in JSON."""
    order = json.load(sys.stdin)
    try:
        found = _searched(Path(order["home"]), Needles(order["pieces"]))
    except OSError as error:
        told: dict[str, object] = {"error": [error.errno, error.strerror, error.filename]}
    else:
        traces = [[str(each.path), each.piece] for each in found.traces]
        told = {"traces": traces, "files": found.files, "bytes": found.bytes}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    _main()
