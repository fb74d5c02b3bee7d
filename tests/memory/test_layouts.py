from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Engine, event, select

from memory import layouts
from memory.documents import DocumentStore
from memory.layouts import Layout, Layouts
from memory.tables import SentenceRow
from memory.texts import STRETCH
from retrieval.document import Span
from tests.memory.samples import add


def test_pages_and_sections_around_an_offset() -> None:
    layout = Layout(
        np.zeros(0, np.int32),
        (("Book", 0, 100), ("One", 10, 50), ("Inner", 20, 30), ("Two", 50, 100)),
        np.array([0, 40, 40, 80]),
        np.array([1, 2, 3, 4]),
    )
    assert layout.titles(25) == ("Book", "One", "Inner")
    assert layout.titles(30) == ("Book", "One")
    assert layout.titles(50) == ("Book", "Two")
    assert [layout.page(offset) for offset in (0, 39, 40, 79, 80, 500)] == [1, 1, 3, 3, 4, 4]
    assert Layout(layout.tokens, (), np.zeros(0, np.int64), np.zeros(0, np.int64)).page(3) is None


def test_it_is_read_once_and_says_what_is_stored(engine: Engine) -> None:
    key, known = add(engine), Layouts(engine)
    with engine.connect() as connection:
        stored = connection.execute(
            select(SentenceRow.token_count)
            .where(SentenceRow.document_key == key)
            .order_by(SentenceRow.ordinal)
        )
        expected = list(stored.scalars())
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    assert known.of(key).tokens.tolist() == expected
    read = len(asked)
    assert known.of(key).tokens.tolist() == expected
    assert len(asked) == read > 0


def test_a_document_that_is_not_there_has_none_and_is_not_kept(engine: Engine) -> None:
    known = Layouts(engine)
    assert len(known.of(1).tokens) == 0
    key = add(engine)
    DocumentStore(engine).remove(key)
    assert len(known.of(key).tokens) == 0


def test_texts_are_exact_over_the_ends_of_stretches(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"Sentence {n} of it stands here. " for n in range(1_500))
    key, known = add(engine, text=text), Layouts(engine)
    monkeypatch.setattr(layouts, "STRETCHES", 1)
    for start, end in (
        (0, 10),
        (STRETCH - 5, STRETCH + 7),
        (0, len(text)),
        (20_000, 20_000),
        (len(text) - 3, 10**6),
    ):
        assert known.text(key, Span(start, end)) == text[start:end]
    assert len(known._texts) == 1
    assert known.text(key + 1, Span(0, 5)) == ""


def test_those_asked_for_last_are_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = add(engine), add(engine, text="A cat sat. Another ran.", path="/b/cats.txt", title="Cats")
    known = Layouts(engine)
    monkeypatch.setattr(layouts, "MOST", len(known.of(first).tokens))
    known.of(second)
    assert list(known._kept) == [second]
