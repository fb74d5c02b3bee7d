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

from app.errors import EvaluationError
from app.events import Progress
from app.library import Library
from retrieval.encoder import Encoder
from retrieval.errors import LoadError

__all__ = ["HaystackHomes"]

FILE = "haystack.txt"


class HaystackHomes:
    """Homes in one folder.

    Args:
        folder: Made if it is not there.
        open_home: Opens the library of a home.
        progress: Told what is waited for.

    Raises:
        EvaluationError: If the folder cannot be made or written.
    """

    def __init__(self, folder: Path, open_home: Callable[[Path], Library], progress: Progress) -> None:
        self.folder, self._open_home, self._progress = folder, open_home, progress
        self._encoder: Encoder | None = None
        self._latest: Path | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).touch()
        except OSError as error:
            raise EvaluationError(f"The folder {folder} cannot be used: {error.strerror}.") from error

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
            LoadError: If it cannot be added.
        """
        file = self.folder / FILE
        file.write_text(text, encoding="utf-8", newline="")
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
