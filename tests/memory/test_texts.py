import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from memory.database import open_database
from memory.documents import DocumentStore
from memory.tables import TextRow
from memory.texts import STRETCH, read_text, text_rows
from retrieval.document import Span
from tests.memory.samples import add, url

ALPHABET = "ab \r\n天é\u0301😀\u200b\ufeff\u0000"
TEXT = "".join(random.Random(5).choices(ALPHABET, k=3 * STRETCH + 77))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, int]]:
    engine = open_database(url(tmp_path_factory.mktemp("texts")))
    key = add(engine)
    add(engine, text="Another text. It stands beside.", path="/books/another.txt")
    with engine.begin() as connection:
        connection.execute(TextRow.__table__.delete().where(TextRow.document_key == key))
        connection.execute(insert(TextRow), [{"document_key": key, **row} for row in text_rows(TEXT)])
    yield engine, key
    engine.dispose()


near = st.sampled_from([0, STRETCH, 2 * STRETCH, 3 * STRETCH, len(TEXT)]).flatmap(
    lambda edge: st.integers(max(edge - 3, 0), min(edge + 3, len(TEXT)))
)
offsets = st.one_of(near, st.integers(0, len(TEXT)))


@settings(max_examples=300, deadline=None)
@given(offsets, offsets)
def test_any_span_reads_as_the_slice(stored: tuple[Engine, int], one: int, other: int) -> None:
    engine, key = stored
    start, end = sorted((one, other))
    with engine.connect() as connection:
        assert read_text(connection, key, Span(start, end)) == TEXT[start:end]


def test_a_span_past_the_end_reads_what_is_there(stored: tuple[Engine, int]) -> None:
    engine, key = stored
    with engine.connect() as connection:
        assert read_text(connection, key, Span(len(TEXT) - 2, len(TEXT) + 9)) == TEXT[-2:]
        assert read_text(connection, key + 999, Span(0, 9)) == ""


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 3))
def test_rows_hold_the_text_in_order(tail: str, whole: int) -> None:
    text = "x" * (whole * STRETCH) + tail
    rows = text_rows(text)
    assert "".join(str(row["text"]) for row in rows) == text
    assert [row["part"] for row in rows] == list(range(len(rows)))
    assert all(len(str(row["text"])) == STRETCH for row in rows[:-1])


def test_a_document_over_several_stretches_comes_back_to_the_character(tmp_path: Path) -> None:
    engine = open_database(url(tmp_path))
    text = TEXT.replace("\u0000", "") + " The end."
    key = add(engine, text=text)
    assert DocumentStore(engine).load(key).text == text
    engine.dispose()
