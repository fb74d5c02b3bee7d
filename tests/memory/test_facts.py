"""Facts in SQL: as of any date, closed and linked, of one user alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from memory.errors import FactStateError, UnknownFactError, UnknownTurnError
from memory.facts import Fact, FactStore, NewFact
from memory.memory_files import export_memory, import_memory
from memory.threads import ThreadStore
from tests.memory.samples import NOON, a_turn, an_encoder, counts, row_of

DAY = timedelta(days=1)


@pytest.fixture
def facts(engine: Engine) -> FactStore:
    return FactStore(engine)


def a_fact(engine: Engine, text: str = "I live in Rome.", user: str = "me", days: int = 0) -> NewFact:
    """A fact that was said in a turn of its own, so many days after noon."""
    threads = ThreadStore(engine, user)
    asked_at = NOON + days * DAY
    turn = replace(a_turn(1, text), run=f"{user} {counts(engine)['turns']}", asked_at=asked_at)
    ordinal = threads.append("notes", turn)
    key = next(each.key for each in threads.turns("notes") if each.ordinal == ordinal)
    return NewFact(key, text, text.rstrip("."), user, "kept", 1.0, asked_at)


def added(facts: FactStore, new: NewFact) -> Fact:
    fact = facts.add(new)
    assert fact is not None
    return fact


def test_a_fact_comes_back_with_the_turn_it_is_from(facts: FactStore, engine: Engine) -> None:
    fact = added(facts, a_fact(engine))
    assert facts.facts() == [fact]
    assert facts.fact(fact.id) == fact
    assert (fact.text, fact.quote, fact.thread, fact.ordinal) == (
        "I live in Rome.",
        "I live in Rome",
        "notes",
        1,
    )
    assert (fact.asked_at, fact.valid_from, fact.invalid_at) == (NOON, NOON, None)
    assert (fact.state, fact.strength, fact.asserted_by, fact.replaced_by) == ("kept", 1, "me", None)


def test_ids_are_short_and_differ(facts: FactStore, engine: Engine) -> None:
    ids = [added(facts, a_fact(engine, f"I have {n} cats.")).id for n in range(20)]
    assert len(set(ids)) == 20
    assert all(len(id) == 6 and id.isalnum() and id == id.lower() for id in ids)


def test_a_closed_fact_is_true_until_the_moment_before(facts: FactStore, engine: Engine) -> None:
    old = added(facts, a_fact(engine))
    new = added(
        facts, replace(a_fact(engine, "I live in Turin.", days=9), closes=((old.id, NOON + 9 * DAY),))
    )
    old = facts.fact(old.id)
    assert (old.invalid_at, old.replaced_by) == (NOON + 9 * DAY, new.id)
    moments = [NOON - DAY, NOON, NOON + 9 * DAY - timedelta(microseconds=1), NOON + 9 * DAY, NOON + 99 * DAY]
    assert [old.true_at(each) for each in moments] == [False, True, True, False, False]
    assert [new.true_at(each) for each in moments] == [False, False, False, True, True]


def test_another_user_s_facts_cannot_be_reached(facts: FactStore, engine: Engine) -> None:
    theirs = FactStore(engine, "anna")
    fact = added(theirs, a_fact(engine, user="anna"))
    assert facts.facts() == []
    with pytest.raises(UnknownFactError, match=f"no fact '{fact.id}'"):
        facts.fact(fact.id)
    with pytest.raises(UnknownFactError):
        facts.strengthen(fact.id, keep=True)
    with pytest.raises(UnknownFactError):
        facts.add(replace(a_fact(engine), closes=((fact.id, NOON),)))
    with pytest.raises(UnknownTurnError):
        facts.add(a_fact(engine, user="anna"))
    assert theirs.facts() == [fact]
    assert facts.facts() == []  # what failed has left nothing behind


def test_nothing_is_written_if_something_has_changed(facts: FactStore, engine: Engine) -> None:
    first = added(facts, a_fact(engine))
    state = facts.state()
    new = a_fact(engine, "I have a cat.")
    facts.strengthen(first.id, keep=True)
    assert facts.add(new, expected=state) is None
    assert facts.strengthen(first.id, keep=True, expected=state) is None
    assert facts.fact(first.id).strength == 2
    state = facts.state()
    assert facts.add(new, expected=state) is not None
    assert facts.state() != state


def test_the_inbox(facts: FactStore, engine: Engine) -> None:
    old = added(facts, a_fact(engine))
    yes = added(facts, replace(a_fact(engine, "I live in Oslo."), state="waiting", confidence=0.4))
    no = added(facts, replace(a_fact(engine, "I have a cat."), state="waiting"))
    kept = facts.keep(yes.id, yes.text, [(old.id, NOON + DAY)])
    assert kept == replace(yes, state="kept", confidence=1.0)
    assert facts.fact(old.id).replaced_by == yes.id
    facts.decline(no.id)
    assert [fact.id for fact in facts.facts()] == [old.id, yes.id]
    refused: tuple[Callable[[], object], ...] = (
        lambda: facts.keep(yes.id, yes.text),
        lambda: facts.decline(yes.id),
        lambda: facts.strengthen(old.id, keep=True, waiting=yes.id),
    )
    for change in refused:
        with pytest.raises(FactStateError, match="kept already"):
            change()
    assert facts.fact(old.id).strength == 1
    with pytest.raises(UnknownFactError, match="clew memory list"):
        facts.decline(no.id)


def test_facts_go_with_their_turn_and_their_embedding_with_them(facts: FactStore, engine: Engine) -> None:
    new = a_fact(engine)
    facts.add(new, (an_encoder(engine), row_of(b"fact")))
    assert (counts(engine)["facts"], counts(engine)["fact_vectors"]) == (1, 1)
    ThreadStore(engine).remove("notes")
    assert (counts(engine)["facts"], counts(engine)["fact_vectors"]) == (0, 0)
    with pytest.raises(UnknownTurnError, match="forgotten"):
        facts.add(new)


def test_only_what_came_later_is_read(facts: FactStore, engine: Engine) -> None:
    first, second = (added(facts, a_fact(engine, text)) for text in ("I have a cat.", "I have a dog."))
    assert facts.facts(after=first.key) == [second]
    assert facts.facts(after=second.key) == []


def test_writers_at_once_lose_nothing(facts: FactStore, engine: Engine) -> None:
    first = added(facts, a_fact(engine))
    writers = [threading.Thread(target=facts.strengthen, args=(first.id, True)) for _ in range(8)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    assert facts.fact(first.id).strength == 9


def test_both_databases_close_link_and_export(any_engine: Engine) -> None:
    facts = FactStore(any_engine)
    old = added(facts, a_fact(any_engine))
    new = a_fact(any_engine, "I live in Turin.", days=9)
    vector = (an_encoder(any_engine), row_of(b"fact"))
    fact = facts.add(replace(new, closes=((old.id, new.valid_from),)), vector, facts.state())
    assert fact is not None
    assert (facts.fact(old.id).replaced_by, facts.fact(old.id).invalid_at) == (fact.id, NOON + 9 * DAY)
    text = list(export_memory(any_engine, "me"))
    assert import_memory(any_engine, "anna", text).facts == 2
    waiting = [line.replace('"state":"kept"', '"state":"waiting"') for line in text]
    assert list(export_memory(any_engine, "anna")) == waiting
    assert import_memory(any_engine, "anna", text).known == 5


def test_invariants() -> None:
    with pytest.raises(ValueError, match=r"confidence is 1\.5"):
        NewFact(1, "a", "a", "me", "kept", 1.5, NOON)
    with pytest.raises(ValueError, match="without a time zone"):
        NewFact(1, "a", "a", "me", "kept", 1.0, NOON.replace(tzinfo=None))
