"""Homes for haystacks of growing length: each begins as a copy of the one before, whose embeddings it shares.

One haystack to a home, so that a question is asked of exactly one. Kept homes are found again: a haystack
that is there already is neither encoded nor indexed a second time.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from app.errors import EvaluationError
from app.events import Progress
from app.library import Library
from retrieval.encoder import Encoder
from retrieval.errors import LoadError

__all__ = ["HaystackHomes"]

FILE = "haystack.txt"


class HaystackHomes:
    """Homes in one folder; use `opened`, the constructor only stores.

    Args:
        folder: Of the homes.
        open_home: Opens the library of a home.
        progress: Told what is waited for.
    """

    def __init__(self, folder: Path, open_home: Callable[[Path], Library], progress: Progress) -> None:
        self.folder, self._open_home, self._progress = folder, open_home, progress
        self._encoder: Encoder | None = None
        self._latest: Path | None = None

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, open_home: Callable[[Path], Library], progress: Progress) -> Iterator[Self]:
        """Homes in a folder, which is made if it is not there and held alone meanwhile.

        Raises:
            EvaluationError: If the folder cannot be made or written, or another program holds it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / "lock")
            lock.acquire(timeout=0)
        except Timeout as error:
            raise EvaluationError(f"Another `clew eval` works in {folder}.") from error
        except OSError as error:
            raise EvaluationError(f"The folder {folder} cannot be used: {error.strerror}.") from error
        try:
            yield cls(folder, open_home, progress)
        finally:
            lock.release()

    def encoder(self, name: str) -> Encoder:
        """The encoder, loaded once for all homes, by the one called `name` if it is the first."""
        if self._encoder is None:
            library = self._open(name)
            self._encoder = library.encoder(self._progress)
            library.close()
        return self._encoder

    @contextmanager
    def added(self, name: str, text: str) -> Iterator[tuple[Library, float]]:
        """The library of the home called `name` with that text alone, and the seconds that adding it took.

        Raises:
            EvaluationError: If it cannot be written.
            LoadError: If it cannot be added.
        """
        file = self.folder / FILE
        try:
            file.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise EvaluationError(f"The haystack {file} cannot be written: {error.strerror}.") from error
        library = self._open(name)
        try:
            began = time.perf_counter()
            for each in library.add([file], self._progress):
                if each.error is not None:
                    raise LoadError(each.error)
            yield library, time.perf_counter() - began
        finally:
            library.close()
        self._latest = self.folder / name

    def _open(self, name: str) -> Library:
        home = self.folder / name
        if self._latest is not None and not home.exists():
            unfinished = self.folder / f"{name}.copying"
            shutil.rmtree(unfinished, ignore_errors=True)
            # Indexes are of the haystack before; what is behind them comes from SQL.
            shutil.copytree(self._latest, unfinished, ignore=shutil.ignore_patterns("indexes", "*.lock"))
            unfinished.rename(home)
        library = self._open_home(home)
        if (encoder := self._encoder) is None:
            return library
        backends = replace(library.backends, encoder=lambda progress: encoder)
        return Library(library.settings, library.engine, backends)
