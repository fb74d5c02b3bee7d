"""Adding documents: file -> Document -> chunks -> units of encoding -> ready, resumable at every unit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.events import Event, Progress
from memory.document_parts import NewDocument
from memory.documents import DocumentRecord, DocumentStore
from memory.embeddings import embed_hash, missing_hashes
from memory.units import PlannedUnit, Unit, UnitStore
from reader.errors import StoppedError
from retrieval.batching import plan_batches
from retrieval.chunking import ChunkedText, ChunkSettings, chunk_document, encoder_text
from retrieval.document import Document
from retrieval.encoder import Encoder
from retrieval.errors import EmptyFileError
from retrieval.loaders import SUPPORTED_SUFFIXES, content_hash
from retrieval.loaders.names import shown

__all__ = ["AddedDocument", "Adder", "files_of", "storable"]


@dataclass(frozen=True, slots=True)
class AddedDocument:
    """What became of one file.

    Attributes:
        path: As it was found.
        status: "failed" comes with an `error`, one sentence, and no record.
        record: What is in the library now.
        chunks_encoded: Chunks whose embedding was computed now, rather than found in the store.
        seconds: Wall clock for this file.
    """

    path: str
    status: Literal["added", "unchanged", "updated", "failed"]
    seconds: float
    record: DocumentRecord | None = None
    chunks_encoded: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Adder:
    """Adds files and Documents to one library.

    Attributes:
        recipe: Names everything that decides about chunks and embeddings; other recipes are redone.
        encoder: Gives the encoder, loading it when first asked.
        encoder_key: Gives its key in the store.
        load: Turns a path into a Document, or raises LoadError.
        prepare: Called once something must be encoded, so that the encoder can load while a file is parsed.
        stopped: Asked between two units of encoding whether to stop.
    """

    store: DocumentStore
    units: UnitStore
    recipe: str
    encoder: Callable[[], Encoder]
    encoder_key: Callable[[], int]
    load: Callable[[Path], Document]
    prepare: Callable[[], None]
    progress: Progress
    stopped: Callable[[], bool] = lambda: False

    def add_file(self, path: Path) -> AddedDocument:
        """Add one file; if something is wrong with it, nothing is left behind.

        Raises:
            LoadError: If it cannot be read, or there is no text in it to be asked about.
            StoppedError: If it was to stop; the units that are done are kept.
        """
        began = time.perf_counter()
        found, name = storable(path), storable(os.path.abspath(path))
        hash = content_hash(path)
        ready = self.store.ready(hash)
        if ready is not None and ready.recipe == self.recipe:
            return AddedDocument(found, "unchanged", time.perf_counter() - began, ready)
        self.prepare()
        key = self.store.pending(hash, self.recipe, name)
        if key is not None:
            self.progress(Event("load", path.name, 1, 1))
            return self._encoded(key, found, began)
        self.progress(Event("load", path.name, 0, 1))
        document = self.load(path)
        return replace(self.add_document(document, hash, name, began), path=found)

    def add_document(
        self, document: Document, hash: str, origin: str, began: float | None = None
    ) -> AddedDocument:
        """Add a Document that is already loaded; `origin` is its path or another name of where it is from.

        Raises:
            EmptyFileError: If there is no text in it to be asked about.
        """
        began = time.perf_counter() if began is None else began
        encoder = self.encoder()
        chunked = chunk_document(document, encoder, ChunkSettings.for_window(encoder.max_tokens))
        if not chunked.chunks:
            raise EmptyFileError(_why_empty(document, origin))
        new = self._planned(document, chunked, hash, origin)
        return self._encoded(self.store.begin(new), origin, began)

    def redo(self, record: DocumentRecord) -> AddedDocument:
        """Cut and encode a stored document again, for the recipe of now."""
        began = time.perf_counter()
        self.prepare()
        key = self.store.pending(record.content_hash, self.recipe, record.path)
        if key is None:
            return self.add_document(self.store.load(record.key), record.content_hash, record.path, began)
        return self._encoded(key, record.path, began)

    def _planned(self, document: Document, chunked: ChunkedText, hash: str, origin: str) -> NewDocument:
        """Everything of a document as it is stored, and batches of the texts that have no embedding yet."""
        text = document.text
        chunk_hashes = [embed_hash(encoder_text(text, c.span, c.context)) for c in chunked.chunks]
        sentence_hashes = [embed_hash(encoder_text(text, span)) for span in chunked.sentences]
        lengths = dict(zip(sentence_hashes, chunked.token_counts, strict=True))
        for chunk, chunk_hash in zip(chunked.chunks, chunk_hashes, strict=True):
            lengths[chunk_hash] = chunk.token_count
        missing = missing_hashes(self.store.engine, self.encoder_key(), lengths)
        units = self._units({each: tokens for each, tokens in lengths.items() if each in missing})
        return NewDocument(document, chunked, sentence_hashes, chunk_hashes, hash, self.recipe, origin, units)

    def _units(self, lengths: dict[bytes, int]) -> list[PlannedUnit]:
        """Batches of texts, given as their hashes and token counts."""
        todo, encoder = list(lengths), self.encoder_key()
        batches = plan_batches(list(lengths.values()))
        return [PlannedUnit(encoder, tuple(todo[position] for position in batch)) for batch in batches]

    def _open_units(self, key: int) -> list[Unit]:
        """What is left to do for a pending document, planned anew where the plan does not cover it."""
        planned = {text_hash for unit in self.units.open(key) for text_hash in unit.hashes}
        lacking = self.store.unencoded(key, self.encoder_key())
        if rest := {each: tokens for each, tokens in lacking.items() if each not in planned}:
            self.units.plan(key, self._units(rest))
        return self.units.open(key)

    def _encoded(self, key: int, path: str, began: float) -> AddedDocument:
        """Do the open units of a pending document, each stored as soon as it is done, then make it ready."""
        units = self._open_units(key)
        texts = self.store.encoder_texts(key, [text_hash for unit in units for text_hash in unit.hashes])
        encoded: set[bytes] = set()
        name = Path(path).name
        for number, unit in enumerate(units):
            self.progress(Event("encode", name, number, len(units)))
            if self.stopped():
                raise StoppedError(f"Adding {shown(name)} was stopped; what is encoded is kept.")
            self.units.begin(unit)
            started = time.perf_counter()
            rows = self.encoder().encode([texts[text_hash] for text_hash in unit.hashes])
            self.units.finish(unit, rows, time.perf_counter() - started)
            encoded.update(unit.hashes)
        self.progress(Event("encode", name, len(units), len(units)))
        chunks_encoded = sum(text_hash in encoded for text_hash in self.store.chunk_hashes(key))
        record, replaced = self.store.finish(key, self.encoder_key())
        return AddedDocument(
            path=path,
            status="updated" if replaced else "added",
            seconds=time.perf_counter() - began,
            record=record,
            chunks_encoded=chunks_encoded,
        )


def files_of(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that are meant: each path itself, and of a folder the documents in and below it, by name."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUPPORTED_SUFFIXES and p.is_file())
        yield from found or [path]  # an empty folder is then refused by name


def storable(path: Path | str) -> str:
    """A path as SQL and JSON can take it: bytes that are not UTF-8 become `\\xe9`-like escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _why_empty(document: Document, origin: str) -> str:
    name = shown(Path(origin).name)
    unread = sum(page.unread for page in document.pages)
    if unread:
        return (
            f"{name} has no text layer on any of its {len(document.pages)} pages (a scan); "
            f"run text recognition (OCR) on it first."
        )
    return f"{name} holds no text."
