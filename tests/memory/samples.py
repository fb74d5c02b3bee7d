"""Small documents and databases that the tests of memory share."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import URL, Engine, func, insert, select

from memory.base import Base
from memory.collections import CollectionStore
from memory.completions import CompletionStore
from memory.conversation_tables import CleanupRow, FactRow, FactVectorRow, ReadingRow, TurnRow
from memory.document_parts import NewDocument
from memory.documents import DocumentStore
from memory.embeddings import embed_hash, missing_hashes, note_encoder
from memory.job_events import JobEventStore, NewJobEvent
from memory.jobs import JobStore
from memory.summaries import SummaryStore
from memory.tables import EncoderRow
from memory.threads import ThreadStore, Turn
from memory.tree_plan import plan_tree, tree_anchors
from memory.tree_settings import TreeSettings
from memory.tree_store import TreeStore, TreeVersion
from memory.trees import Summary, SummarySentence
from memory.units import PlannedUnit, Unit, UnitStore
from memory.usage import UsageStore
from memory.users import FIRST_USER, note_user
from retrieval.chunking import ChunkSettings, chunk_document, encoder_text
from retrieval.document import Document, Page, Section, Span
from retrieval.hits import Float32

DIM = 8
SMALL = ChunkSettings(min_tokens=4, max_tokens=8, overlap_tokens=4, context_tokens=8, small_section_tokens=2)
NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
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


@dataclass(frozen=True)
class ACall:
    """A call as the reader makes it; memory knows it by its shape."""

    task: str = "answer"
    model: str = "tiny"
    prompt_tokens: int = 100
    completion_tokens: int = 10
    seconds: float = 0.5
    cached: bool = False
    run: str | None = "run-1"


def a_turn(n: int = 1, question: str = "Who sleeps?", answer: str = "Five men. [1]") -> Turn:
    """A turn of the run `run-n`, asked n minutes after noon."""
    return Turn(
        run=f"run-{n}",
        question=question,
        answer=answer,
        abstained=False,
        asked_at=NOON + timedelta(minutes=n),
        seconds=1.5,
        details={"citations": [{"document": "d", "start": 66, "end": 81}], "model": "tiny"},
    )


def keep(store: CompletionStore, digest: bytes, text: str = "Five men.") -> None:
    """Keep a reply under a digest."""
    store.put(
        digest,
        model="tiny@1",
        text=text,
        finish="stop",
        prompt_tokens=100,
        completion_tokens=10,
        enforced=True,
    )


def add_answer(engine: Engine) -> None:
    """An answered question: a row in every table that answering writes."""
    ThreadStore(engine).append("reading", a_turn(), (an_encoder(engine), np.stack([row_of(b"turn")])))
    add_memory(engine)
    keep(CompletionStore(engine, 1_000_000), b"d" * 16)
    UsageStore(engine).record(ACall())


def add_memory(engine: Engine) -> None:
    """A fact, a reading position and a cleanup of the first user, whose latest turn the fact is from."""
    with engine.begin() as connection:
        user = note_user(connection, FIRST_USER)
        turn = connection.execute(select(func.max(TurnRow.key))).scalar_one()
        fact = {
            "id": "f1",
            "user_key": user,
            "turn_key": turn,
            "text": "Five men sleep.",
            "quote": "Five men sleep.",
            "asserted_by": FIRST_USER,
            "state": "kept",
            "confidence": 1.0,
            "strength": 1,
            "valid_from": NOON,
            "created_at": NOON,
        }
        key = connection.execute(insert(FactRow).returning(FactRow.key), fact).scalar_one()
        encoder = connection.execute(select(EncoderRow.key)).scalars().first()
        vector = {"encoder_key": encoder, "fact_key": key, "vector": row_of(b"fact").astype("<f2").tobytes()}
        connection.execute(insert(FactVectorRow), vector)
        reading = {"user_key": user, "document_id": "d", "content_hash": "h", "read_to": 5}
        connection.execute(insert(ReadingRow), reading | {"updated_at": NOON})
        connection.execute(insert(CleanupRow), {"created_at": NOON})


LEAVES = TreeSettings(leaf_tokens=7, children=2)
"""Leaves of two sentences of `TEXT`, pairs of them below the root."""


def add_tree(engine: Engine, key: int, reader: str = "reader") -> int:
    """The plan of the tree of a ready document; its key."""
    documents, trees = DocumentStore(engine), TreeStore(engine)
    record = next(each for each in documents.records() if each.key == key)
    sentences, tokens = trees.sentences(key)
    loaded = documents.load(key)
    anchors = trees.anchors(record.id, record.content_hash, reader)
    nodes = plan_tree(loaded, sentences, tokens, reader, LEAVES, anchors)
    version = TreeVersion(record.id, record.content_hash, reader, "recipe")
    return trees.write(version, nodes, tree_anchors(loaded.text, sentences, nodes))


def summarise(engine: Engine, tree: int, linked: bool = True) -> None:
    """Give every node of a tree a summary of one sentence that rests on all of the node."""
    found = TreeStore(engine).load(tree)
    assert found is not None
    for node in found.nodes:
        summary = a_summary(node.digest, f"About {node.title}.", Span(0, len(node.span)))
        rows = np.stack([row_of(node.digest)])
        SummaryStore(engine).put(summary, "reader", 0.5, linked, (an_encoder(engine), rows))


def add_summaries(engine: Engine, key: int) -> None:
    """A document with its tree and another summary: a row in every table of summaries."""
    tree = add_tree(engine, key)
    summarise(engine, tree)
    found = TreeStore(engine).load(tree)
    assert found is not None
    SummaryStore(engine).use(found.document_id, found.content_hash, [found.root.digest])


def a_summary(digest: bytes, text: str, *sources: Span) -> Summary:
    return Summary(digest, (SummarySentence(text, sources, bool(sources)),))


@dataclass(frozen=True)
class ATask:
    """A task to be written, by the shape that memory knows it by."""

    name: str
    kind: str = "count"
    payload: dict[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    needs: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()


def add_collection(engine: Engine, *documents: int, name: str = "course", owner: str = "me") -> None:
    """A collection of documents, given as their keys: a row in every table of collections."""
    ids = [each.id for each in DocumentStore(engine).records() if each.key in documents]
    collections = CollectionStore(engine, owner)
    collections.create(name)
    collections.put(name, ids)


def add_job(engine: Engine) -> str:
    """A job with a task that waits for another: a row in every table of jobs; its id."""
    tasks = [ATask("first"), ATask("second", needs=("first",))]
    job, _ = JobStore(engine).create("counting", "Count", {"to": 2}, tasks)
    JobEventStore(engine).append([NewJobEvent(job.key, "first", "load", "one", 0, 1)])
    return job.id
