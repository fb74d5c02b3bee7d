"""One summary at a time: of sentences or of other summaries, kept under the hash of its inputs."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.errors import TreeError
from app.events import Progress, silent
from app.jobs.contract import Work
from app.models import MakeReader
from app.summaries.payloads import Piece, Subject, UnitResult
from app.summaries.wanted import Wanted
from app.tree_linking import SourceSentence, link_sentences
from memory.documents import DocumentRecord, DocumentStore
from memory.search_rows import SearchRowStore
from memory.summaries import SummaryStore, moved
from memory.tree_store import TreeStore
from memory.trees import Summary, SummarySentence
from reader.central import central_summary
from reader.contract import Reader, SummaryPart, WrittenSummary
from retrieval.chunking import TokenCounter, flat
from retrieval.document import Document, Span
from retrieval.encoder import Encoder
from retrieval.hits import Float32

__all__ = ["UNIT_VERSION", "SummarySource", "SummaryUnits"]

UNIT_VERSION: Final = 1
"""Raised when the same inputs are summarised in another way."""
SOURCES_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class SummarySource:
    """The part of a document that is summarised, with the sentences that lie in it.

    Attributes:
        record: Of the document.
        document: As it was loaded.
        span: The part.
        sentences: All of the document.
        token_counts: Of each sentence.
        first: The first sentence in the part.
        end: One past the last.
    """

    record: DocumentRecord
    document: Document
    span: Span
    sentences: tuple[Span, ...]
    token_counts: tuple[int, ...]
    first: int
    end: int

    @property
    def text(self) -> str:
        """Of the document."""
        return self.document.text

    @property
    def tokens(self) -> float:
        """Of the part."""
        return self.tokens_of(self.first, self.end)

    def tokens_of(self, first: int, end: int) -> float:
        """Of some sentences."""
        return float(sum(self.token_counts[first:end]))

    def base(self, pieces: Sequence[Piece]) -> Span:
        """The stretch that pieces stand for, from the first to the last."""
        bounds = [self._bounds(piece) for piece in pieces]
        return Span(min(span.start for span in bounds), max(span.end for span in bounds))

    def _bounds(self, piece: Piece) -> Span:
        if "sentences" in piece:
            first, end = piece["sentences"]
            return Span(self.sentences[first].start, self.sentences[end - 1].end)
        return Span(piece["start"], piece["end"])


@dataclass(frozen=True, slots=True)
class _Input:
    """A piece with what is needed of it: the part a reader gets, and what its sentences rest on."""

    part: SummaryPart
    sources: tuple[SourceSentence, ...]
    key: str


class SummaryUnits:
    """Makes and keeps the summaries that are not nodes of a tree.

    Args:
        documents: Of the library.
        summaries: Where they are kept.
        trees: Gives the sentences of a document.
        reader: Makes the reader of a job.
        encoder: Gives the encoder, loading it when first asked.
        encoder_key: Gives its key in the store, and its width.
        fingerprint: Of the encoder.
    """

    def __init__(
        self,
        documents: DocumentStore,
        summaries: SummaryStore,
        trees: TreeStore,
        reader: MakeReader,
        encoder: Callable[[Progress], Encoder],
        encoder_key: Callable[[], tuple[int, int]],
        fingerprint: str,
    ) -> None:
        self.documents, self.summaries, self.trees, self.reader = documents, summaries, trees, reader
        self.encoder, self.encoder_key, self.fingerprint = encoder, encoder_key, fingerprint
        self._lock = threading.Lock()
        self._sources: dict[tuple[str, str, int, int], SummarySource] = {}

    def source_of(self, record: DocumentRecord, span: Callable[[Document], Span]) -> SummarySource:
        """A part of a document.

        Raises:
            PartError: If `span` finds none.
            TreeError: If no whole sentence lies in it.
        """
        document = self.documents.load(record.key)
        part = span(document)
        sentences, tokens = self.trees.sentences(record.key)
        inside = [n for n, each in enumerate(sentences) if part.start <= each.start and each.end <= part.end]
        if not inside:
            raise TreeError(f"There is no text to summarise in that part of {record.title!r}.")
        return SummarySource(
            record, document, part, tuple(sentences), tuple(tokens), inside[0], inside[-1] + 1
        )

    def record(self, id: str) -> DocumentRecord:
        """The document with that id as it is now.

        Raises:
            TreeError: If it is not there any more.
        """
        found = [each for each in self.documents.records() if each.id == id]
        if not found:
            raise TreeError(f"The document {id} has been removed meanwhile.")
        return found[0]

    def source(self, subject: Subject) -> SummarySource:
        """The part of a document that tasks are about.

        Raises:
            TreeError: If that version of the document is not there any more.
        """
        key = (subject["document"], subject["content_hash"], subject["start"], subject["end"])
        with self._lock:
            found = self._sources.get(key)
        if found is not None:
            return found
        record = self.record(key[0])
        if record.content_hash != key[1]:
            raise TreeError(f"{record.title!r} has been changed meanwhile; summarise it again.")
        source = self.source_of(record, lambda document: Span(key[2], key[3]))
        with self._lock:
            while len(self._sources) >= SOURCES_KEPT:
                self._sources.pop(next(iter(self._sources)))
            self._sources[key] = source
        return source

    def make(
        self,
        source: SummarySource,
        pieces: Sequence[Piece],
        *,
        at_least: int,
        most: int,
        spread: bool = False,
        before: Sequence[int] = (),
        background: Sequence[Piece] = (),
        work: Work,
    ) -> UnitResult:
        """The summary of some pieces, made if it is not kept.

        Args:
            source: What they are of.
            pieces: In order, at least one.
            at_least: Fewest words, where the pieces have as many.
            most: Most words.
            spread: Whether it draws on all pieces evenly.
            before: First and one past the last of the sentences that stand before, as background.
            background: Summaries of what stands before, in place of `before`.
            work: The task that it is made in.

        Raises:
            TreeError: If a piece is gone.
            ModelError: If a language model cannot be asked.
        """
        reader = self.reader.for_job(work.job, work.progress, work.cancellation)
        base = source.base(pieces)
        inputs = [self._input(source, piece) for piece in pieces]
        behind = [self._input(source, piece) for piece in background]
        if before:
            behind.append(self._input(source, Piece(sentences=list(before))))
        made_by = reader.summary_key
        if reader.takes_sentences:
            made_by += f" {self.fingerprint}"
        # The places of sources count from the start of all, so where each piece stands decides too.
        places = [source.base([piece]).start - base.start for piece in pieces]
        content = [UNIT_VERSION, made_by, at_least, most, spread, [each.key for each in inputs], places]
        digest = hashlib.blake2b(
            json.dumps([*content, [each.key for each in behind]]).encode(), digest_size=16
        ).digest()
        use = source.record.id, source.record.content_hash
        kept = self.summaries.get([digest]).get(digest)
        if kept is None or not self.summaries.use(*use, [digest]):
            kept = self._made(
                reader, inputs, behind, base, digest, made_by, at_least, most, spread, work, use
            )
        return UnitResult(
            piece=Piece(digest=digest.hex(), start=base.start, end=base.end),
            words=sum(len(each.text.split()) for each in kept.sentences),
            tokens=self._tokens([each.text for each in kept.sentences]),
            notes=list(kept.notes),
        )

    def trimmed(self, source: SummarySource, made: UnitResult, wanted: Wanted) -> UnitResult:
        """A summary that is too long, without those of its sentences that say least of the whole."""
        summary = self.read(source, made["piece"])
        key, dim = self.encoder_key()
        rows = self.summaries.vectors(key, dim, [summary.digest])[summary.digest]
        part = SummaryPart(tuple(each.text for each in summary.sentences), rows)
        kept = [n for _, n in central_summary([part], wanted.words).taken or ()]
        name = json.dumps([UNIT_VERSION, "trimmed", made["piece"]["digest"], wanted.words]).encode()
        digest = hashlib.blake2b(name, digest_size=16).digest()
        base = -made["piece"]["start"]
        sentences = tuple(
            replace(each, sources=tuple(moved(span, base) for span in each.sources))
            for each in (summary.sentences[n] for n in kept)
        )
        short = Summary(digest, sentences, summary.notes)
        use = source.record.id, source.record.content_hash
        if not self.summaries.put(short, "trimmed", 0.0, vectors=(key, rows[kept]), use=use):
            raise TreeError(f"{source.record.title!r} has been removed meanwhile.")
        texts = [each.text for each in sentences]
        return UnitResult(
            piece=Piece(digest=digest.hex(), start=made["piece"]["start"], end=made["piece"]["end"]),
            words=sum(len(text.split()) for text in texts),
            tokens=self._tokens(texts),
            notes=list(summary.notes),
        )

    def read(self, source: SummarySource, piece: Piece) -> Summary:
        """A summary that was made, its sources counted from the start of the document.

        Raises:
            TreeError: If it is gone.
        """
        digest = bytes.fromhex(piece["digest"])
        found = self.summaries.get([digest]).get(digest)
        if found is None:
            raise TreeError(f"A summary of {source.record.title!r} has been removed meanwhile; begin again.")
        sentences = [
            replace(each, sources=tuple(moved(span, piece["start"]) for span in each.sources))
            for each in found.sentences
        ]
        return Summary(digest, tuple(sentences), found.notes)

    def _made(
        self,
        reader: Reader,
        inputs: Sequence[_Input],
        behind: Sequence[_Input],
        base: Span,
        digest: bytes,
        made_by: str,
        at_least: int,
        most: int,
        spread: bool,
        work: Work,
        use: tuple[str, str],
    ) -> Summary:
        """Ask the reader, link what it wrote, and keep that."""
        began = time.perf_counter()
        background = " ".join(sentence for each in behind for sentence in each.part.sentences)
        written = reader.summarise([each.part for each in inputs], most, background, at_least, spread)
        sentences, rows = self._linked(written, inputs, work)
        relative = [
            replace(each, sources=tuple(moved(span, -base.start) for span in each.sources))
            for each in sentences
        ]
        summary = Summary(digest, tuple(relative), written.notes)
        key, _ = self.encoder_key()
        seconds = time.perf_counter() - began
        if not self.summaries.put(summary, made_by, seconds, vectors=(key, rows), use=use):
            raise TreeError(f"The document {use[0]} has been removed meanwhile.")
        return summary

    def _linked(
        self, written: WrittenSummary, inputs: Sequence[_Input], work: Work
    ) -> tuple[Sequence[SummarySentence], Float32]:
        """The sentences with what they rest on, and their embeddings."""
        if written.taken is not None:
            taken = [inputs[part].sources[n] for part, n in written.taken]
            rows = [inputs[part].part.rows[n] for part, n in written.taken]
            sentences = [
                SummarySentence(text, source.sources, bool(source.sources))
                for text, source in zip(written.sentences, taken, strict=True)
            ]
            return sentences, np.array(rows, np.float32)
        texts = [flat(each) for each in written.sentences]
        encoded = self.encoder(work.progress).encode(texts)
        sources = [source for each in inputs for source in each.sources]
        source_rows = np.concatenate([each.part.rows for each in inputs])
        return link_sentences(texts, encoded, sources, source_rows), encoded

    def _input(self, source: SummarySource, piece: Piece) -> _Input:
        if "sentences" in piece:
            return self._text(source, *piece["sentences"])
        summary = self.read(source, piece)
        key, dim = self.encoder_key()
        rows = self.summaries.vectors(key, dim, [summary.digest]).get(summary.digest)
        texts = tuple(each.text for each in summary.sentences)
        if rows is None:
            # The encoder has been changed since.
            rows = self.encoder(silent).encode(list(texts))
            self.summaries.put_vectors(key, {summary.digest: rows})
        return _Input(
            SummaryPart(texts, rows),
            tuple(SourceSentence(each.text, each.sources) for each in summary.sentences),
            piece["digest"],
        )

    def _text(self, source: SummarySource, first: int, end: int) -> _Input:
        key, dim = self.encoder_key()
        stored = SearchRowStore(self.documents.engine, key, dim).sentences(source.record.key, first, end)
        texts = tuple(flat(text) for text in stored.texts)
        text = source.text[source.sentences[first].start : source.sentences[end - 1].end]
        return _Input(
            SummaryPart(texts, stored.rows),
            tuple(SourceSentence(t, (span,)) for t, span in zip(texts, stored.spans, strict=True)),
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(),
        )

    def _tokens(self, texts: Sequence[str]) -> int:
        counter: TokenCounter = self.encoder(silent)
        return sum(len(offsets) for offsets in counter.token_offsets(list(texts)))
