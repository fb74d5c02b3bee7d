"""The FAISS and BM25 indexes, kept in step with SQL: made anew when missing or damaged, caught up when stale.

What an index should hold follows from the keys of the ready documents alone: a key is never used again and
the rows below it never change. So being behind is a difference of two lists of keys.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock

from app.events import Event, Progress, silent
from memory.index_rows import IndexRowStore
from memory.library import LibraryState
from memory.tables import ChunkRow, SentenceRow
from retrieval.errors import DamagedIndexError
from retrieval.hits import Int64
from retrieval.lexical_index import LexicalIndex
from retrieval.vector_index import FaissIndex, VectorOptions

__all__ = ["SearchIndexes"]

SAVE_SHARE: Final = 0.02
"""Vectors are written to disk when this share of them is new; until then the next start adds them again from
SQL, which is quicker than writing gigabytes for every small document. Removed vectors are written at once."""

SMALL: Final = 200_000
"""Rows up to which an index is written after every change."""


class SearchIndexes:
    """Four indexes of one library and one encoder; use `open`, then `refresh` before every search."""

    def __init__(
        self,
        folder: Path,
        state: Callable[[], LibraryState],
        rows: Callable[[], IndexRowStore],
        fingerprint: str,
        options: VectorOptions,
    ) -> None:
        self.folder, self.state, self.options = folder, state, options
        self._current_rows, self.rows = rows, rows()
        self._fingerprint = fingerprint
        self._at: LibraryState | None = None
        self._documents: dict[str, set[int]] = {}
        self.rebuilt: list[str] = []

    @classmethod
    def open(
        cls,
        folder: Path,
        state: Callable[[], LibraryState],
        rows: Callable[[], IndexRowStore],
        fingerprint: str,
        options: VectorOptions | None = None,
        progress: Progress = silent,
    ) -> SearchIndexes:
        """Open the indexes in `folder`, brought up to date; `rebuilt` names those that were made anew."""
        indexes = cls(folder, state, rows, fingerprint, options or VectorOptions())
        with indexes._locked():
            indexes._open(progress)
        return indexes

    def refresh(self, progress: Progress = silent) -> None:
        """Catch up with SQL if it has changed since; costs one small query if not."""
        state = self.state()
        if state == self._at:
            return
        with self._locked():
            # Another process may have caught up, and committed to the lexical indexes, in the meantime.
            self._open(progress)

    def purge(self, progress: Progress = silent) -> None:
        """Write the indexes anew of which a file may still hold something that was removed.

        Vectors are written at once whenever some are removed. Tantivy keeps removed terms until it merges
        their segment, and cannot be told to: an index with such is made again from SQL.
        """
        with self._locked():
            self._open(progress)
            holding = [
                name
                for name, index in (
                    ("chunk-words", self.chunk_words),
                    ("neighbourhood-words", self.neighbourhood_words),
                )
                if index.holds_removed
            ]
            for name in holding:
                self._made_anew(name)
            if holding:
                self._open(progress)

    def _open(self, progress: Progress) -> None:
        state = self.state()
        # Another process may have encoded everything with another encoder and back meanwhile.
        self.rows = self._current_rows()
        self.chunks = self._vectors("chunks")
        self.sentences = self._vectors("sentences")
        self.chunk_words = self._words("chunk-words")
        self.neighbourhood_words = self._words("neighbourhood-words")
        documents = self.rows.documents()
        self._catch_up_vectors("chunks", self.chunks, ChunkRow, documents, state, progress)
        self._catch_up_vectors("sentences", self.sentences, SentenceRow, documents, state, progress)
        self._catch_up_words(documents, state, progress)
        self._at = state

    def _locked(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / "lock")

    def _stamp(self, state: LibraryState, documents: list[int]) -> dict[str, str]:
        return {
            "library": state.identity,
            "encoder": self._fingerprint,
            "documents": json.dumps(documents, separators=(",", ":")),
        }

    def _vectors(self, name: str) -> FaissIndex:
        if name in self._documents:
            return self.chunks if name == "chunks" else self.sentences
        try:
            index = FaissIndex.load(self.folder / name, self.options)
            if self._is_ours(name, index.stamp):
                return index
        except DamagedIndexError:
            self._made_anew(name)
        return FaissIndex.create(self.rows.dim, self.options)

    def _words(self, name: str) -> LexicalIndex:
        try:
            index = LexicalIndex.open(self.folder / name)
            if self._is_ours(name, index.stamp):
                return index
        except DamagedIndexError:
            self._made_anew(name)
        return LexicalIndex.create(self.folder / name)

    def _made_anew(self, name: str) -> None:
        folder = self.folder / name
        if folder.exists():
            self.rebuilt.append(name)
        if folder.is_file():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        self._documents[name] = set()

    def _is_ours(self, name: str, stamp: dict[str, str]) -> bool:
        """Whether an index is of this library and encoder; if so, note which documents it holds."""
        ours = (self.state().identity, self._fingerprint)
        if (stamp.get("library"), stamp.get("encoder")) != ours:
            self._made_anew(name)
            return False
        self._documents[name] = set(json.loads(stamp["documents"]))
        return True

    def _catch_up_vectors(
        self,
        name: str,
        index: FaissIndex,
        table: type[ChunkRow] | type[SentenceRow],
        documents: list[int],
        state: LibraryState,
        progress: Progress,
    ) -> None:
        held = self._documents[name]
        if held == set(documents) and (self.folder / name).exists():
            return
        gone = bool(held - set(documents))
        if gone:
            index.remove(np.setdiff1d(index.ids, self.rows.keys(table), assume_unique=True))
        added = 0
        new = [key for key in documents if key not in held]
        keys: list[Int64] = []
        rows = []
        for number, document in enumerate(new, start=1):
            found, vectors = self.rows.vectors(document, table)
            keys.append(found)
            rows.append(vectors)
            added += len(found)
            # Small documents are added together: an index takes many rows much quicker than many times few.
            if sum(map(len, keys)) >= SMALL or number == len(new):
                index.add(np.concatenate(keys), np.concatenate(rows))
                keys, rows = [], []
            progress(Event("index", name, number, len(new)))
        self._documents[name] = set(documents)
        if gone or len(index) <= SMALL or added >= SAVE_SHARE * len(index):
            index.save(self.folder / name, self._stamp(state, documents))

    def _catch_up_words(self, documents: list[int], state: LibraryState, progress: Progress) -> None:
        indexes = {"chunk-words": self.chunk_words, "neighbourhood-words": self.neighbourhood_words}
        behind = {name: index for name, index in indexes.items() if self._documents[name] != set(documents)}
        if not behind:
            return
        new = [key for key in documents if any(key not in self._documents[name] for name in behind)]
        for name, index in behind.items():
            for document in self._documents[name] - set(documents):
                index.remove_document(document)
        for number, document in enumerate(new, start=1):
            for texts in self.rows.chunk_texts(document):
                of = np.full(len(texts.keys), document, np.int64)
                for name, index in behind.items():
                    if document not in self._documents[name]:
                        whole = texts.texts if name == "chunk-words" else texts.neighbourhoods
                        index.add(texts.keys, of, whole)
            progress(Event("index", "words", number, len(new)))
        for name, index in behind.items():
            index.commit(self._stamp(state, documents))
            self._documents[name] = set(documents)
