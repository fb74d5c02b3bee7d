from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from memory.errors import ThreadNameError, UnknownThreadError
from memory.incognito import IncognitoThreads, Threads
from memory.threads import ThreadStore
from tests.memory.samples import NOON, a_turn


@pytest.fixture(params=["kept", "incognito"])
def store(request: pytest.FixtureRequest, engine: Engine) -> Threads:
    """Threads of each kind: what one does the other must do."""
    return ThreadStore(engine) if request.param == "kept" else IncognitoThreads()


def test_turns_come_back_as_they_were_appended(store: Threads) -> None:
    assert [store.append("reading", a_turn(n)) for n in (1, 2, 3)] == [1, 2, 3]
    assert store.append("cooking", a_turn(4)) == 1
    turns = store.turns("reading")
    assert turns == [replace(a_turn(n), ordinal=n, key=n) for n in (1, 2, 3)]
    assert store.turns("reading", last=2) == turns[1:]
    assert store.turns("reading", last=9) == turns
    assert store.turns("reading", last=0) == []
    assert store.turns("nothing") == []
    with pytest.raises(ValueError, match="last is -1"):
        store.turns("reading", last=-1)


def test_a_run_is_kept_once(store: Threads) -> None:
    assert [store.append("reading", a_turn(n)) for n in (1, 2)] == [1, 2]
    assert store.append("reading", a_turn(1, answer="Six men.")) == 1
    assert [turn.answer for turn in store.turns("reading")] == ["Five men. [1]", "Five men. [1]"]


def test_the_list_shows_the_thread_used_last_first(store: Threads) -> None:
    for name, n in (("early", 1), ("late", 2), ("early", 7)):
        store.append(name, a_turn(n))
    found = [(each.name, each.turns, each.last_at) for each in store.threads()]
    assert found == [("early", 2, NOON + timedelta(minutes=7)), ("late", 1, NOON + timedelta(minutes=2))]


def test_a_thread_is_forgotten_with_its_turns(store: Threads) -> None:
    store.append("reading", a_turn(1))
    store.append("cooking", a_turn(2))
    store.remove("reading")
    assert store.turns("reading") == []
    assert [each.name for each in store.threads()] == ["cooking"]
    with pytest.raises(UnknownThreadError, match=r"^No thread is called 'reading'\.$"):
        store.remove("reading")


def test_what_was_given_out_does_not_change(store: Threads) -> None:
    store.append("reading", a_turn(1))
    turns = store.turns("reading")
    store.append("reading", a_turn(2))
    assert len(turns) == 1


def test_a_thread_is_renamed_with_its_turns(store: Threads) -> None:
    store.append("reading", a_turn(1))
    store.append("cooking", a_turn(2))
    store.rename("reading", "  the  lamps\n")
    assert [turn.ordinal for turn in store.turns("the lamps")] == [1]
    assert store.turns("reading") == []
    assert store.append("the lamps", a_turn(3)) == 2
    store.rename("the lamps", "the lamps")
    assert {each.name for each in store.threads()} == {"the lamps", "cooking"}


def test_a_name_that_cannot_be_given_changes_nothing(store: Threads) -> None:
    store.append("reading", a_turn(1))
    store.append("cooking", a_turn(2))
    with pytest.raises(ThreadNameError, match=r"^Another thread is called 'cooking'\.$"):
        store.rename("reading", "cooking")
    for name in ("", " \n", "x" * 201):
        with pytest.raises(ThreadNameError, match="1 to 200"):
            store.rename("reading", name)
    with pytest.raises(UnknownThreadError):
        store.rename("sewing", "knitting")
    assert {each.name for each in store.threads()} == {"reading", "cooking"}


def test_threads_are_found_by_words_of_names_questions_and_answers(store: Threads) -> None:
    store.append("Leuchttürme", a_turn(1, question="Who keeps the lamps?", answer="Five men."))
    store.append("cooking", a_turn(2, question="How long does 100% rye bake?", answer="Ärgerlich lang."))
    for words, names in (
        ("", ["cooking", "Leuchttürme"]),
        ("LAMPS", ["Leuchttürme"]),
        ("five leuchttürme", ["Leuchttürme"]),
        ("rye men", []),
        ("ärgerlich", ["cooking"]),
        ("100%", ["cooking"]),
        ("1_0", []),
        ("o", ["cooking", "Leuchttürme"]),
    ):
        assert [each.name for each in store.search(words)] == names, words
