"""What is forgotten in SQL, on both databases; that no file holds it is tested with a library."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from memory.cleaning import clean_database, to_clean
from memory.conversation_tables import FactRow, TurnRow
from memory.document_forgetting import FORGOTTEN_ANSWER, forget_documents
from memory.documents import DocumentStore
from memory.elsewhere import said_elsewhere
from memory.errors import UnknownFactError, UnknownThreadError, UnknownTurnError, UnknownUserError
from memory.forgetting import forget_fact, forget_thread, forget_turn, forget_user
from memory.threads import ThreadStore
from memory.traces import Needles
from tests.memory.samples import a_turn, add, add_answer, add_job, counts

ANSWER_TABLES = {
    "users",
    "threads",
    "turns",
    "turn_vectors",
    "facts",
    "fact_vectors",
    "readings",
    "completions",
}


def test_a_user_goes_with_everything_below(any_engine: Engine) -> None:
    add_answer(any_engine)
    ThreadStore(any_engine, "somebody").append("theirs", a_turn(9, question="Mine?"))
    before = counts(any_engine)
    assert all(before[name] > 0 for name in ANSWER_TABLES)
    forgotten = forget_user(any_engine, "me")
    after = counts(any_engine)
    assert {name: after[name] for name in ANSWER_TABLES} == dict.fromkeys(ANSWER_TABLES, 0) | {
        "users": 1,
        "threads": 1,
        "turns": 1,
    }
    assert after["cleanups"] == before["cleanups"] + 1
    assert {"Who sleeps?", "Five men. [1]", "Five men sleep.", "reading"} <= set(forgotten.texts)
    assert "Five men" not in repr(forgotten)
    clean_database(any_engine)


def test_a_turn_goes_with_its_facts_and_closed_facts_lose_the_link(any_engine: Engine) -> None:
    add_answer(any_engine)
    ThreadStore(any_engine).append("reading", a_turn(2, question="Six men wake."))
    with any_engine.begin() as connection:
        turn = connection.execute(select(TurnRow.key).where(TurnRow.ordinal == 2)).scalar_one()
        fact = connection.execute(select(FactRow.__table__)).mappings().one()
        old = dict(fact) | {"key": None, "id": "f0", "turn_key": turn, "replaced_by": "f1"}
        old |= {"invalid_at": fact["valid_from"]}
        del old["key"]
        connection.execute(FactRow.__table__.insert(), old)
    forgotten = forget_turn(any_engine, "me", "reading", 1)
    assert forgotten.counts == {"turns": 1, "facts": 1, "answers": 0, "completions": 1}
    assert forgotten.threads == ("reading",)
    with any_engine.connect() as connection:
        left = connection.execute(select(FactRow.id, FactRow.replaced_by, FactRow.invalid_at)).all()
    assert [(row.id, row.replaced_by) for row in left] == [("f0", None)]
    assert left[0].invalid_at is not None
    assert [turn.ordinal for turn in ThreadStore(any_engine).turns("reading")] == [2]


def test_a_fact_leaves_its_turn_without_its_words(any_engine: Engine) -> None:
    add_answer(any_engine)
    ThreadStore(any_engine).append(
        "b", replace(a_turn(3, answer="FIVE men  sleep."), question_summary="Who?")
    )
    forgotten = forget_fact(any_engine, "me", "f1")
    assert forgotten.counts == {
        "facts": 1,
        "facts redacted": 0,
        "turns redacted": 1,
        "answers": 0,
        "completions": 1,
    }
    assert ThreadStore(any_engine).turns("b")[0].answer == "[forgotten]"
    assert ThreadStore(any_engine).turns("reading")[0].answer == "Five men. [1]"
    assert set(forgotten.texts) == {"Five men sleep.", "FIVE men  sleep."}


def test_a_thread_goes_whole(any_engine: Engine) -> None:
    add_answer(any_engine)
    ThreadStore(any_engine).append("other", a_turn(2))
    assert forget_thread(any_engine, "me", "reading").counts["turns"] == 1
    assert [each.name for each in ThreadStore(any_engine).threads()] == ["other"]
    assert len(to_clean(any_engine)) == 2


def test_a_document_goes_with_answers_readings_and_what_jobs_told(any_engine: Engine) -> None:
    key = add(any_engine)
    add_answer(any_engine)
    add_job(any_engine)
    store = DocumentStore(any_engine)
    record = store.records()[0]
    assert record.key == key
    cites = {"citations": [{"document": record.id, "start": 0, "end": 5}], "model": "m"}
    ThreadStore(any_engine, "somebody").append("x", replace(a_turn(5), details=cites))
    forgotten = forget_documents(any_engine, store.versions(record.id))
    assert forgotten.counts["answers"] == 1
    turn = ThreadStore(any_engine, "somebody").turns("x")[0]
    assert (turn.answer, turn.details) == (FORGOTTEN_ANSWER, {"model": "m"})
    assert ThreadStore(any_engine).turns("reading")[0].answer == "Five men. [1]", "it cites another one"
    assert "Three rivers rise." in forgotten.texts
    after = counts(any_engine)
    assert [after[name] for name in ("documents", "texts", "chunks", "sentences", "embeddings")] == [0] * 5


def test_where_else_it_stands_is_told_by_kind(any_engine: Engine) -> None:
    add(any_engine)
    add_answer(any_engine)
    ThreadStore(any_engine, "somebody").append("x", a_turn(5, question="Zanzibar is warm?"))
    needles = Needles(["Three rivers rise.", "Who sleeps?", "Zanzibar is", "said by nobody"])
    found = {
        place: {needles.pieces[n] for n in found}
        for place, found in said_elsewhere(any_engine, "me", needles).items()
    }
    assert found == {
        "documents": {"Three rivers rise."},
        "memory": {"Who sleeps?"},
        "others": {"Zanzibar is"},
    }
    # Of what belongs to others nothing is told, documents neither.
    assert set(said_elsewhere(any_engine, "nobody", needles)) == {"others"}


def test_what_is_not_there_changes_nothing(any_engine: Engine) -> None:
    add_answer(any_engine)
    before = counts(any_engine)
    for error, forget in (
        (UnknownFactError, lambda: forget_fact(any_engine, "me", "f9")),
        (UnknownFactError, lambda: forget_fact(any_engine, "somebody", "f1")),
        (UnknownTurnError, lambda: forget_turn(any_engine, "me", "reading", 2)),
        (UnknownTurnError, lambda: forget_turn(any_engine, "somebody", "reading", 1)),
        (UnknownThreadError, lambda: forget_thread(any_engine, "somebody", "reading")),
        (UnknownUserError, lambda: forget_user(any_engine, "somebody")),
    ):
        with pytest.raises(error):
            forget()
    assert counts(any_engine) == before
