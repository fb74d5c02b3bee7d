"""Small documents and databases that the tests of memory share."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import URL, Engine, func, select

from memory.document_parts import NewDocument
from memory.documents import DocumentStore
from memory.embeddings import embed_hash, missing_hashes, note_encoder
from memory.tables import Base
from memory.units import PlannedUnit, Unit, UnitStore
from retrieval.chunking import ChunkSettings, chunk_document, encoder_text
from retrieval.document import Document, Page, Section, Span
from retrieval.hits import Float32

DIM = 8
SMALL = ChunkSettings(min_tokens=4, max_tokens=8, overlap_tokens=4, context_tokens=8, small_section_tokens=2)
TEXT = "One lamp burns. Two lamps burn. Three rivers rise. Four rivers fall. Five men sleep. Six men wake."


class Words:
    def token_offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[match.span() for match in re.finditer(r"\S+", text)] for text in texts]


def row_of(text_hash: bytes) -> Float32:
    """A unit row that its text alone decides about."""
    row = np.random.default_rng(list(text_hash)).standard_normal(DIM)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def url(folder: Path) -> str:
    return URL.create("sqlite", database=str(folder / "clew.sqlite")).render_as_string()


def an_encoder(engine: Engine, fingerprint: str = "model@1") -> int:
    return note_encoder(engine, fingerprint, "model", DIM)[0]


def document(text: str = TEXT, title: str = "Lamps") -> Document:
    middle = text.index("Three") if "Three" in text else 0
    sections = (Section("All", 1, Span(0, len(text))), Section("Rivers", 2, Span(middle, len(text))))
    pages = (
        Page(1, Span(0, middle)),
        Page(2, Span(middle, middle), unread=True),
        Page(3, Span(middle, len(text))),
    )
    return Document(text, title, "text/plain", sections, pages)


def new_document(
    engine: Engine,
    text: str = TEXT,
    path: str = "/books/lamps.txt",
    title: str = "Lamps",
    recipe: str = "recipe",
    encoder: int | None = None,
    content: bytes | None = None,
) -> NewDocument:
    """What adding plans for a file: units of at most three texts that have no embedding yet."""
    made = document(text, title)
    chunked = chunk_document(made, Words(), SMALL)
    chunks = [embed_hash(encoder_text(text, c.span, c.context)) for c in chunked.chunks]
    sentences = [embed_hash(encoder_text(text, span)) for span in chunked.sentences]
    key = an_encoder(engine) if encoder is None else encoder
    missing = missing_hashes(engine, key, {*chunks, *sentences})
    todo = [each for each in dict.fromkeys([*sentences, *chunks]) if each in missing]
    return NewDocument(
        document=made,
        chunked=chunked,
        sentence_hashes=sentences,
        chunk_hashes=chunks,
        content_hash=hashlib.sha256(content or text.encode()).hexdigest(),
        recipe=recipe,
        path=path,
        units=[PlannedUnit(key, tuple(todo[start : start + 3])) for start in range(0, len(todo), 3)],
    )


def encode(engine: Engine, key: int, most: int | None = None) -> list[Unit]:
    """Do the open units of a document, or the first few of them."""
    store = UnitStore(engine)
    units = store.open(key)[:most]
    for unit in units:
        store.begin(unit)
        store.finish(unit, np.stack([row_of(each) for each in unit.hashes]), 0.5)
    return units


def add(engine: Engine, **options: str) -> int:
    """Add a document as adding does; its key."""
    store = DocumentStore(engine)
    key = store.begin(new_document(engine, **options))  # type: ignore[arg-type]
    encode(engine, key)
    store.finish(key, an_encoder(engine))
    return key


def counts(engine: Engine) -> dict[str, int]:
    """Rows of every table."""
    with engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
        }
