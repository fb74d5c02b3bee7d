"""What Clew has written of what is forgotten goes too, and nothing else of what it has written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from memory.conversation_tables import FactRow, TurnRow
from memory.forgetting import forget_fact, forget_thread, forget_turn
from memory.forgotten_answers import ANSWER_FORGOTTEN
from memory.redaction import FORGOTTEN
from memory.threads import ThreadStore
from tests.memory.samples import a_turn, add_answer

SECRET = "My vault PIN is KRZ8812, says Wilhelmina."


def say(engine: Engine, n: int, thread: str, question: str, answer: str, **details: object) -> None:
    said = {"model": "tiny", "query": question, **details}
    ThreadStore(engine).append(thread, replace(a_turn(n, question, answer), details=said))


def of(thread: str, turn: int, side: str = "question") -> dict[str, object]:
    return {"thread": thread, "turn": turn, "side": side, "start": 0, "end": 5}


def answers(engine: Engine, thread: str) -> list[str]:
    return [turn.answer for turn in ThreadStore(engine).turns(thread)]


def know(engine: Engine, turn: str, said: str) -> None:
    """The sample's fact, as if it were from a turn that says something else."""
    with engine.begin() as connection:
        key = connection.execute(select(TurnRow.key).where(TurnRow.run == turn)).scalar_one()
        connection.execute(FactRow.__table__.update().values(turn_key=key, text=said, quote=said))


@pytest.mark.parametrize("forgets", ["turn", "thread", "fact"])
def test_answers_that_rest_on_it_go_and_those_that_rest_on_them(any_engine: Engine, forgets: str) -> None:
    add_answer(any_engine)
    say(any_engine, 2, "a", SECRET, "Noted.")
    say(any_engine, 3, "b", "What is it?", "The number that you named. [1]", citations=[of("a", 1)])
    say(any_engine, 4, "c", "What did you say?", "That number. [1]", citations=[of("b", 1, "answer")])
    say(any_engine, 5, "c", "What did I ask you?", "What it is. [1]", citations=[of("b", 1)])
    know(any_engine, "run-2", SECRET)
    if forgets == "fact":
        forgotten = forget_fact(any_engine, "me", "f1")
        assert ThreadStore(any_engine).turns("a")[0].question == FORGOTTEN
    elif forgets == "thread":
        forgotten = forget_thread(any_engine, "me", "a")
    else:
        forgotten = forget_turn(any_engine, "me", "a", 1)
    assert answers(any_engine, "b") == [ANSWER_FORGOTTEN]
    assert answers(any_engine, "c") == [ANSWER_FORGOTTEN, "What it is. [1]"]
    assert answers(any_engine, "reading") == ["Five men. [1]"]
    assert forgotten.counts["answers"] == 2
    assert {"The number that you named. [1]", "That number. [1]", "KRZ8812"} <= set(forgotten.texts)
    assert ThreadStore(any_engine).turns("b")[0].details == {"model": "tiny", "query": "What is it?"}


def test_answers_that_tell_of_it_without_citing_it_go(engine: Engine) -> None:
    document = [{"document": "d", "start": 0, "end": 5}]
    say(engine, 1, "a", SECRET, "Noted.")
    say(engine, 2, "b", "What is it?", "It is KRZ8812.", citations=document)
    say(engine, 3, "b", "Who says so?", "Wilhelmina does.")
    say(engine, 4, "b", "Who is the queen?", "Wilhelmina is. [1]", citations=document)
    say(engine, 5, "b", "Who is Wilhelmina?", "Nothing says who Wilhelmina is.")
    say(engine, 6, "b", "My aunt is called Wilhelmina.", "Noted.")
    say(engine, 7, "b", "What is my aunt called?", "Wilhelmina. [1]", citations=[of("b", 5)])
    forget_turn(engine, "me", "a", 1)
    assert answers(engine, "b") == [
        ANSWER_FORGOTTEN,
        ANSWER_FORGOTTEN,
        "Wilhelmina is. [1]",
        "Nothing says who Wilhelmina is.",
        "Noted.",
        "Wilhelmina. [1]",
    ]


def test_a_question_is_no_longer_kept_as_it_was_read_with_it(engine: Engine) -> None:
    say(engine, 1, "a", SECRET, "Noted.")
    say(engine, 2, "a", "Where is it written?", "Nowhere.", query="Where is the number of the safe written?")
    say(engine, 3, "b", "And this?", "Nothing.", query="And KRZ8812?")
    say(engine, 4, "b", "And that?", "Nothing.", query="And the ferry?")
    forget_turn(engine, "me", "a", 1)
    read = [turn.details["query"] for name in "ab" for turn in ThreadStore(engine).turns(name)]
    assert read == ["Where is it written?", "And this?", "And the ferry?"]


def test_what_a_model_made_of_a_fact_is_made_again_of_what_is_left(any_engine: Engine) -> None:
    add_answer(any_engine)
    long = f"{SECRET} I have a dog. It barks at the moon."
    turn = replace(a_turn(2, long, "Noted."), question_summary="The user told the number of a safe.")
    ThreadStore(any_engine).append("a", replace(turn, answer_summary="It was noted."))
    ThreadStore(any_engine).append("a", replace(a_turn(3, "Hm."), question_summary="Hm."))
    know(any_engine, "run-2", SECRET)
    forget_fact(any_engine, "me", "f1", lambda text: f"In short: {text[-21:]}")
    first, second = ThreadStore(any_engine).turns("a")
    assert first.question == f"{FORGOTTEN} I have a dog. It barks at the moon."
    assert (first.question_summary, first.answer_summary) == (
        "In short: It barks at the moon.",
        "In short: Noted.",
    )
    assert second.question_summary == "Hm.", "nothing of it was said there"
