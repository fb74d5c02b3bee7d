"""Chunks: runs of whole sentences of about 200 of the encoder's own tokens, never across a section.

Where a chunk ends is decided by the text alone (content-defined: a paragraph's end if there is one,
else the sentence with the smallest hash, inside a window of lengths). So after an edit the old
boundaries are met again a few chunks later and nearly every stored embedding is used again, where
filling up to a fixed length would move all boundaries up to the end of the chapter.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.document import Document, Section, Span
from retrieval.sentences import pieces, split_sentences

__all__ = [
    "CHUNKING_VERSION",
    "Chunk",
    "ChunkSettings",
    "ChunkedText",
    "TokenCounter",
    "chunk_document",
    "encoder_text",
    "flat",
]


CHUNKING_VERSION = 1
"""Raised when the same document is cut in another way; part of what documents are stored under."""

CHARACTERS_PER_TOKEN = 10
"""A sentence with more characters than this for each token it may have is cut before it is counted: to
many tokenizers an endless word is a single unknown token."""


class TokenCounter(Protocol):
    """The part of an encoder that chunking needs."""

    def token_offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Character offsets of each token of each text, without special tokens."""
        ...


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """Lengths in tokens of the encoder.

    Attributes:
        min_tokens: A chunk ends at the best sentence end from here on ...
        max_tokens: ... up to here. A single sentence longer than this is cut at a token.
        overlap_tokens: The last sentence of a chunk is repeated in the next one if it is at most this long.
        context_tokens: Room kept in the encoder's window for titles.
        small_section_tokens: A section with less text of its own is chunked together with the next one.
    """

    min_tokens: int = 130
    max_tokens: int = 220
    overlap_tokens: int = 60
    context_tokens: int = 30
    small_section_tokens: int = 40

    @classmethod
    def for_window(cls, window: int) -> ChunkSettings:
        """The defaults, or less where an encoder that reads `window` tokens would cut them off."""
        usual = cls()
        context = min(usual.context_tokens, window // 4)
        # Two special tokens, and one for the full stop behind the titles.
        longest = max(min(usual.max_tokens, window - context - 3), 1)
        if longest == usual.max_tokens:
            return usual
        shortest = max(longest * usual.min_tokens // usual.max_tokens, 1)
        return cls(shortest, longest, longest // 4, context, longest // 5)

    def __post_init__(self) -> None:
        if not 0 < self.min_tokens <= self.max_tokens:
            raise ValueError(f"min_tokens {self.min_tokens} and max_tokens {self.max_tokens} are no window")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of sentences.

    Attributes:
        span: From the start of its first sentence to the end of its last, in the document's text.
        first_sentence: Index of its first sentence in the document.
        end_sentence: One past its last.
        token_count: Tokens of its sentences, without those of the context.
        context: Titles above the chunk, outermost first; goes to the encoder before the text.
    """

    span: Span
    first_sentence: int
    end_sentence: int
    token_count: int
    context: str


@dataclass(frozen=True, slots=True)
class ChunkedText:
    """All sentences of a document and the chunks made of them, both in the order of the text.

    Attributes:
        sentences: Not overlapping; all text that is not white space lies in one.
        token_counts: For each sentence, its tokens.
        chunks: Every sentence lies in one of them, or in two neighbours that overlap there.
    """

    sentences: tuple[Span, ...]
    token_counts: tuple[int, ...]
    chunks: tuple[Chunk, ...]

    def sentence_chunks(self) -> list[int]:
        """For each sentence, the index of the first chunk that it lies in."""
        owners = [0] * len(self.sentences)
        for index, chunk in reversed(list(enumerate(self.chunks))):
            owners[chunk.first_sentence : chunk.end_sentence] = [index] * (
                chunk.end_sentence - chunk.first_sentence
            )
        return owners


def flat(text: str) -> str:
    """A copy with every run of white space made one space, as encoders and terminals want it."""
    return " ".join(text.split())


def encoder_text(text: str, span: Span, context: str = "") -> str:
    """What the encoder is given for a chunk with its titles, or for a sentence without."""
    piece = flat(text[span.start : span.end])
    return f"{context}. {piece}" if context else piece


def chunk_document(
    document: Document, counter: TokenCounter, settings: ChunkSettings | None = None, language: str = "en"
) -> ChunkedText:
    """Cut a document into sentences and chunks.

    Args:
        document: What a loader returned.
        counter: The encoder whose tokens count.
        settings: Lengths; the defaults fit a window of 256 tokens.
        language: For the sentence splitter.
    """
    settings = settings or ChunkSettings()
    sentences: list[tuple[Span, int]] = []
    chunks: list[Chunk] = []
    contexts: dict[str, str] = {}
    carried: list[tuple[Span, int]] = []
    blocks = _blocks(document)
    for position, (block, path) in enumerate(blocks):
        carried += _measured_sentences(document.text, block, counter, settings, language)
        small = sum(tokens for _, tokens in carried) < settings.small_section_tokens
        if not carried or (small and position + 1 < len(blocks)):
            continue
        titles = flat(". ".join([document.title, *(section.title for section in path)]))
        if titles not in contexts:
            contexts[titles] = _first_tokens(titles, counter, settings.context_tokens)
        offset = len(sentences)
        for first, end in _cut(document.text, carried, settings):
            span = Span(carried[first][0].start, carried[end - 1][0].end)
            token_count = sum(tokens for _, tokens in carried[first:end])
            chunks.append(Chunk(span, offset + first, offset + end, token_count, contexts[titles]))
        sentences += carried
        carried = []
    return ChunkedText(
        sentences=tuple(span for span, _ in sentences),
        token_counts=tuple(tokens for _, tokens in sentences),
        chunks=tuple(chunks),
    )


def _blocks(document: Document) -> list[tuple[Span, tuple[Section, ...]]]:
    """The text cut at the start of every section, each piece with the sections around it."""
    starts = sorted({0, len(document.text), *(section.span.start for section in document.sections)})
    blocks: list[tuple[Span, tuple[Section, ...]]] = []
    open_sections: list[Section] = []
    following = 0
    for start, end in itertools.pairwise(starts):
        while following < len(document.sections) and document.sections[following].span.start <= start:
            open_sections.append(document.sections[following])
            following += 1
        open_sections = [section for section in open_sections if section.span.end > start]
        blocks.append((Span(start, end), tuple(open_sections)))
    return blocks


def _first_tokens(text: str, counter: TokenCounter, limit: int) -> str:
    if limit < 1:
        return ""
    offsets = counter.token_offsets([text])[0]
    return text if len(offsets) <= limit else text[: offsets[limit - 1][1]]


def _measured_sentences(
    text: str, block: Span, counter: TokenCounter, settings: ChunkSettings, language: str
) -> list[tuple[Span, int]]:
    """The sentences of a block with their token counts; those over `max_tokens` cut at tokens."""
    spans = [
        piece
        for span in split_sentences(text, block.start, block.end, language)
        for piece in pieces(text, span, CHARACTERS_PER_TOKEN * settings.max_tokens)
    ]
    measured: list[tuple[Span, int]] = []
    for span, offsets in zip(
        spans, counter.token_offsets([text[s.start : s.end] for s in spans]), strict=True
    ):
        if len(offsets) <= settings.max_tokens:
            measured.append((span, len(offsets)))
            continue
        start = span.start
        for first in range(0, len(offsets), settings.max_tokens):
            after = first + settings.max_tokens
            end = span.start + offsets[after][0] if after < len(offsets) else span.end
            measured.append((Span(start, end), min(settings.max_tokens, len(offsets) - first)))
            start = end
    return measured


def _cut(text: str, sentences: list[tuple[Span, int]], settings: ChunkSettings) -> list[tuple[int, int]]:
    """Ranges of sentence indices, each a chunk, chosen as the module's docstring says."""
    ranges: list[tuple[int, int]] = []
    start = 0
    while start < len(sentences):
        first = start
        repeated = sentences[start - 1][1] if ranges else 0
        if repeated <= settings.overlap_tokens and repeated + sentences[start][1] <= settings.max_tokens:
            first = max(start - 1, 0)
        end = _best_end(text, sentences, first, start, settings)
        ranges.append((first, end))
        start = end
    return ranges


def _best_end(
    text: str, sentences: list[tuple[Span, int]], first: int, start: int, settings: ChunkSettings
) -> int:
    total = sum(tokens for _, tokens in sentences[first:start])
    best: tuple[bool, bytes] | None = None
    best_end = start + 1
    for index in range(start, len(sentences)):
        span, tokens = sentences[index]
        total += tokens
        if total > settings.max_tokens and index > start:
            return best_end
        best_end = index + 1 if best is None else best_end
        if total >= settings.min_tokens:
            digest = hashlib.blake2b(
                text[span.start : span.end].encode("utf-8", "surrogatepass"), digest_size=8
            )
            key = (not _ends_paragraph(text, span, sentences, index), digest.digest())
            if best is None or key < best:
                best, best_end = key, index + 1
    # The end of the block is in reach: one chunk to the end rather than a stub after it.
    return len(sentences)


def _ends_paragraph(text: str, span: Span, sentences: list[tuple[Span, int]], index: int) -> bool:
    if index + 1 == len(sentences):
        return True
    return text[span.end : sentences[index + 1][0].start].count("\n") > 1
