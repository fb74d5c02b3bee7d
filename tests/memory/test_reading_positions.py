"""Reading positions: of each user, moved with the document, gone with it."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from memory.documents import DocumentRecord, DocumentStore
from memory.reading_positions import ReadingPositions
from retrieval.sentences import split_sentences
from tests.memory.samples import TEXT, add

FIRST = "One lamp burns. Two lamps burn."
NEXT = TEXT.index("Three")


@pytest.fixture
def record(engine: Engine) -> DocumentRecord:
    add(engine)
    return DocumentStore(engine).records()[0]


def replaced(engine: Engine, text: str) -> DocumentRecord:
    """The document after its file has changed."""
    add(engine, text=text)
    (record,) = DocumentStore(engine).records()
    return record


def test_set_get_all_clear(engine: Engine, record: DocumentRecord) -> None:
    positions = ReadingPositions(engine, "ann")
    assert positions.all() == []
    assert positions.get(record.id) is None
    assert not positions.clear(record.id)
    before = datetime.now(UTC)
    positions.set(record, 10)
    position = positions.set(record, NEXT)
    assert (position.document, position.content_hash, position.read_to) == (
        record.id,
        record.content_hash,
        NEXT,
    )
    assert before <= position.updated_at <= datetime.now(UTC)
    assert positions.get(record.id) == position
    assert positions.all() == [position]
    assert not position.carried_over(record)
    assert positions.clear(record.id)
    assert positions.all() == []


def test_users_have_their_own(engine: Engine, record: DocumentRecord) -> None:
    ann, bob = ReadingPositions(engine, "ann"), ReadingPositions(engine, "bob")
    ann.set(record, 5)
    bob.set(record, 50)
    assert [each.read_to for each in (*ann.all(), *bob.all())] == [5, 50]
    ann.clear(record.id)
    assert [each.read_to for each in bob.all()] == [50]
    assert ReadingPositions(engine, "cid").all() == []


def test_offsets_that_are_not_in_the_text(engine: Engine, record: DocumentRecord) -> None:
    positions = ReadingPositions(engine, "me")
    for offset in (-1, record.characters + 1):
        with pytest.raises(ValueError, match="characters"):
            positions.set(record, offset)
    assert [positions.set(record, offset).read_to for offset in (0, record.characters)] == [
        0,
        record.characters,
    ]


@pytest.mark.parametrize(
    ("read_to", "text", "read"),
    [
        (NEXT, f"A new preface stands here. {TEXT}", f"A new preface stands here. {FIRST}"),
        (NEXT, f"{TEXT} Seven men rise.", FIRST),
        (NEXT, TEXT.replace("Three", "A chapter was put in here. Three"), FIRST),
        (NEXT, TEXT.replace("Two lamps burn.", "Two lamps burnt brightly."), "One lamp burns."),
        (NEXT, TEXT.replace("Five men sleep. ", ""), FIRST),
        # The end was moved to the front: nothing of it has been read.
        (NEXT, f"Five men sleep. {FIRST} Three rivers rise.", ""),
        # What had been read was written anew as a whole.
        (NEXT, "A lamp. Another. Three rivers rise. Four rivers fall.", "A lamp. Another."),
        (len(TEXT), f"{TEXT} Seven men rise.", TEXT),
        (0, f"{TEXT} Seven men rise.", ""),
        # In the middle of a sentence.
        (NEXT + 4, f"Oh! {TEXT}", f"Oh! {FIRST}"),
    ],
)
def test_a_position_moves_with_what_was_read(engine: Engine, read_to: int, text: str, read: str) -> None:
    add(engine)
    (record,) = DocumentStore(engine).records()
    positions = ReadingPositions(engine, "me")
    positions.set(record, read_to)
    after = replaced(engine, text)
    assert after.id == record.id
    (moved,) = positions.all()
    assert text[: moved.read_to].strip() == read
    assert moved.carried_over(after)
    assert moved.content_hash == record.content_hash


def test_nothing_in_common_keeps_the_share(engine: Engine, record: DocumentRecord) -> None:
    positions = ReadingPositions(engine, "me")
    positions.set(record, record.characters // 2)
    after = replaced(engine, "Cats sat. Dogs ran. " * 20)
    assert positions.all()[0].read_to == (record.characters // 2) * after.characters // record.characters


def test_nothing_unread_comes_to_stand_before_it(engine: Engine) -> None:
    """Whatever is cut, moved and added."""
    draw = random.Random(11)
    sentences = [f"Sentence {n} tells of {n * n} things." for n in range(12)]
    for _ in range(20):
        before = " ".join(sentences)
        add(engine, text=before)
        (record,) = DocumentStore(engine).records()
        read_to = draw.randrange(record.characters + 1)
        positions = ReadingPositions(engine, "me")
        positions.set(record, read_to)
        kept = [each for each in sentences if draw.random() < 0.8]
        if draw.random() < 0.5:
            at = draw.randrange(len(kept))
            kept = [*kept[at:], *kept[:at]]
        after = " ".join([*kept, f"The end {draw.random()}."])
        replaced(engine, after)
        moved = positions.all()[0].read_to
        unread = {before[s.start : s.end] for s in split_sentences(before) if s.end > read_to}
        assert not any(each in after[:moved] for each in unread)


def test_the_same_bytes_encoded_anew_leave_it(engine: Engine, record: DocumentRecord) -> None:
    positions = ReadingPositions(engine, "me")
    position = positions.set(record, 20)
    add(engine, recipe="another")
    assert positions.all() == [position]


def test_it_goes_with_its_document(engine: Engine, record: DocumentRecord) -> None:
    add(engine, text="Cats sat. Dogs ran.", path="/books/cats.txt")
    store = DocumentStore(engine)
    other = store.records()[1]
    for user in ("ann", "bob"):
        for each in (record, other):
            ReadingPositions(engine, user).set(each, 5)
    store.remove(record.key)
    for user in ("ann", "bob"):
        assert [each.document for each in ReadingPositions(engine, user).all()] == [other.id]
