"""What had begun before something was forgotten keeps nothing of it afterwards."""

import pytest
from sqlalchemy import Engine

from memory.cleaning import cleaned, to_clean
from memory.completions import CompletionStore
from memory.document_forgetting import forget_documents
from memory.documents import DocumentStore
from memory.errors import ForgottenMeanwhileError, UnknownTurnError
from memory.facts import FactStore, NewFact
from memory.forgetting import forget_fact, forget_turn
from memory.threads import ThreadStore
from tests.memory.samples import NOON, a_turn, add, keep

DIGEST = b"x" * 16


def test_a_turn_is_not_kept_that_had_begun_before(any_engine: Engine) -> None:
    threads = ThreadStore(any_engine)
    threads.append("home", a_turn(1))
    assert not threads.begin()
    threads.look()
    forget_turn(any_engine, "me", "home", 1)
    for use in (threads.look, lambda: threads.append("home", a_turn(2))):
        with pytest.raises(ForgottenMeanwhileError, match=r"^Something was forgotten .* ask again\.$"):
            use()
    assert ThreadStore(any_engine).turns("home") == []
    assert threads.begin(), "it is being forgotten still"
    assert threads.append("home", a_turn(3)) == 1


def test_what_another_user_forgets_is_none_of_a_turns_business_but_a_document_is(any_engine: Engine) -> None:
    add(any_engine)
    ThreadStore(any_engine, "bob").append("home", a_turn(1))
    threads, new = ThreadStore(any_engine), ThreadStore(any_engine, "ann")
    threads.append("home", a_turn(2))
    threads.begin()
    new.begin()
    forget_turn(any_engine, "bob", "home", 1)
    assert threads.append("home", a_turn(3)) == 2
    assert new.append("home", a_turn(4)) == 1
    forget_documents(
        any_engine, DocumentStore(any_engine).versions(DocumentStore(any_engine).records()[0].id)
    )
    with pytest.raises(ForgottenMeanwhileError):
        threads.append("home", a_turn(5))


def test_a_run_that_was_kept_before_stays_as_it_is(engine: Engine) -> None:
    threads = ThreadStore(engine)
    threads.append("other", a_turn(1))
    threads.begin()
    threads.append("home", a_turn(2))
    forget_turn(engine, "me", "other", 1)
    assert threads.append("home", a_turn(2)) == 1


def test_no_reply_is_kept_for_a_question_that_had_begun_before(any_engine: Engine) -> None:
    ThreadStore(any_engine).append("home", a_turn(1))
    store = CompletionStore(any_engine, 1_000_000)
    before, harmless = store.for_question(), store.for_question()
    keep(harmless, b"h" * 16)
    forget_turn(any_engine, "me", "home", 1)
    keep(before, DIGEST)
    assert store.get(DIGEST) is None
    keep(store.for_question(), DIGEST)
    assert store.get(DIGEST) is not None


def test_it_is_over_when_the_files_are_clean(engine: Engine) -> None:
    threads = ThreadStore(engine)
    threads.append("home", a_turn(1))
    forget_turn(engine, "me", "home", 1)
    cleaned(engine, to_clean(engine))
    assert not threads.begin()
    assert threads.append("home", a_turn(2)) == 1


def test_no_fact_is_kept_of_words_that_were_taken_out_of_their_turn(any_engine: Engine) -> None:
    ThreadStore(any_engine).append("home", a_turn(1, question="My dog is Max. It barks."))
    facts = FactStore(any_engine)
    turn = ThreadStore(any_engine).turns("home")[0].key
    new = NewFact(turn, "My dog is Max.", "My dog is Max.", "me", "kept", 1.0, NOON)
    fact = facts.add(new)
    assert fact is not None
    forget_fact(any_engine, "me", fact.id)
    with pytest.raises(UnknownTurnError):
        facts.add(new)
    assert facts.facts() == []
