import multiprocessing
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from memory.activation import Asked, Remembered, activate
from memory.conversation_tables import TurnRow, UserRow
from memory.database import open_database
from memory.stream import MemoryStream
from memory.stream_index import ActivatedTurn, StreamIndex
from memory.threads import Turn
from memory.users import note_user, user_changed
from retrieval.hits import Float32
from tests.memory.samples import DIM, NOON, a_turn, an_encoder, row_of, url

LATER = NOON + timedelta(days=30)
WORDS = ["tea", "ship", "horse", "garden", "letter", "winter", "brother", "river"]


class Memory:
    """Streams and a hot index of one database."""

    def __init__(self, engine: Engine, capacity: int = 1000) -> None:
        self.engine, self.encoder, self.capacity = engine, an_encoder(engine), capacity
        self.index = self.fresh()
        self.said = 0

    def fresh(self) -> StreamIndex:
        return StreamIndex(self.engine, self.encoder, DIM, self.capacity)

    def stream(self, user: str = "ann") -> MemoryStream:
        return MemoryStream(self.engine, user, self.encoder, DIM)

    def say(self, text: str, user: str = "ann", thread: str = "sea", **more: Any) -> int:
        """A turn of one key, told by its text alone; its own key."""
        self.said += 1
        turn = replace(a_turn(self.said, text, ""), **more)
        self.stream(user).append(thread, turn, key_of(text)[None])
        return next(turn.key for turn in reversed(list(self.stream(user).all_turns())))

    def ask(self, text: str, user: str = "ann", k: int = 10, **more: Any) -> list[ActivatedTurn]:
        return self.index.activate(user, text, key_of(text), LATER, k=k, **more)

    def keys(self, text: str, user: str = "ann", k: int = 10, **more: Any) -> list[int]:
        return [turn.key for turn in self.ask(text, user, k, **more)]


def key_of(text: str) -> Float32:
    return row_of(text.encode())


@pytest.fixture
def memory(engine: Engine) -> Memory:
    return Memory(engine)


@pytest.fixture
def other_engine(tmp_path: Path, engine: Engine) -> Iterator[Engine]:
    """A second engine on the file of `engine`, as another process has one."""
    opened = open_database(url(tmp_path))
    yield opened
    opened.dispose()


def test_what_was_said_comes_first(memory: Memory) -> None:
    memory.say("My brother lives in Oslo.")
    tea = memory.say("I drink tea in winter.")
    memory.say("The garden is full of snow.")
    found = memory.ask("I drink tea in winter.")
    assert found[0].key == tea
    assert found[0].relevance > 0.5 > found[1].relevance
    assert [turn.score for turn in found] == sorted((turn.score for turn in found), reverse=True)
    assert len(memory.ask("I drink tea in winter.", k=1)) == 1
    with pytest.raises(ValueError, match="k is 0"):
        memory.ask("tea", k=0)


def test_scores_are_those_of_activation_over_all_turns_by_brute_force(memory: Memory) -> None:
    draw = np.random.default_rng(3)
    texts = [" ".join(draw.choice(WORDS, size=draw.integers(1, 9))) for _ in range(180)]
    speakers = ["", "Zoe", "Max"]
    for n, text in enumerate(texts):
        memory.say(text, thread=f"t{n // 30}", importance=n % 5 / 4, speaker=speakers[n % 3])
    question = "Which ship had Zoe in winter?"
    found = memory.ask(question, k=180)
    turns = list(memory.stream().all_turns())
    counts = [[Counter(turn.question.split())[word] for turn in turns] for word in ("ship", "winter")]
    expected = activate(
        Remembered(
            sessions=np.array([int(turn.thread[1:]) for turn in turns]),
            times=np.array([turn.asked_at.timestamp() for turn in turns]),
            importance=np.array([turn.importance for turn in turns], np.float32),
            lengths=np.array([len(turn.question.split()) for turn in turns], np.float32),
        ),
        Asked(
            similarities=np.array([key_of(turn.question) @ key_of(question) for turn in turns], np.float32),
            counts=np.array(counts, np.float32),
            now=LATER.timestamp(),
            of_speaker=np.array([turn.speaker == "Zoe" for turn in turns]),
        ),
    )
    # Eight bits a component move a similarity a little.
    scores = {turn.key: turn for turn in found}
    assert len(found) > 170
    for turn, score, recency in zip(turns, expected.score, expected.recency, strict=True):
        if turn.key in scores:
            assert scores[turn.key].score == pytest.approx(float(score), abs=0.02)
            assert scores[turn.key].recency == pytest.approx(float(recency), abs=1e-5)
            assert scores[turn.key].importance == turn.importance


def test_threads_filter_inside_and_the_gate_keeps_out(memory: Memory) -> None:
    keys = [memory.say(f"tea {word}", thread=word) for word in WORDS]
    assert memory.keys("tea", threads=["ship", "river", "nowhere"], k=1)[0] in (keys[1], keys[7])
    assert set(memory.keys("tea", threads=["ship", "river", "nowhere"])) == {keys[1], keys[7]}
    assert memory.keys("tea", threads=[]) == memory.keys("tea", threads=["nowhere"]) == []
    strict = memory.ask("tea ship", gate=0.6)
    assert keys[1] in [turn.key for turn in strict]
    assert all(turn.relevance > 0.6 for turn in strict)
    assert memory.keys("tea ship", gate=1.0) == []


def test_nobody_and_nothing(memory: Memory) -> None:
    assert memory.keys("tea") == []
    assert memory.index.catch_up("ann") == 0
    assert memory.index.held() == {}
    memory.say("tea")
    assert memory.keys("", k=3) in ([], [1])
    assert memory.keys("tea", user="an\x00n\ud83d") == []


def test_any_script_is_found(memory: Memory) -> None:
    memory.say("私は東京に住んでいます")
    row = key_of("any")
    there, elsewhere = (memory.index.activate("ann", name, row, LATER, k=1) for name in ("東京", "大阪"))
    assert [turn.key for turn in there] == [1]
    assert not elsewhere or there[0].relevance > elsewhere[0].relevance


def test_a_turn_without_embeddings_is_found_by_its_words_and_later_by_its_meaning(memory: Memory) -> None:
    memory.stream().append("sea", a_turn(50, "The ship sails.", ""))
    (by_words,) = memory.ask("ship")
    assert memory.ask("horse") == []
    assert (memory.index.unencoded("ann"), memory.index.unencoded("nobody")) == (1, 0)
    memory.stream().put_vectors([(turn, key_of("ship")[None]) for turn in memory.stream().turns([1])])
    (by_both,) = memory.ask("ship")
    assert memory.index.unencoded("ann") == 0
    assert by_both.relevance > by_words.relevance > 0


def test_turns_added_one_by_one_are_as_read_anew(memory: Memory) -> None:
    for n in range(150):
        memory.say(f"{WORDS[n % 8]} {WORDS[n % 7]} {n}", thread=f"t{n % 3}")
        memory.index.catch_up("ann")
    assert memory.ask("ship in winter", k=150) == memory.fresh().activate(
        "ann", "ship in winter", key_of("ship in winter"), LATER, k=150
    )


def test_what_another_program_writes_is_there_at_once(memory: Memory, other_engine: Engine) -> None:
    memory.say("tea")
    assert memory.keys("ship") in ([], [1])
    elsewhere = MemoryStream(other_engine, "ann", memory.encoder, DIM)
    elsewhere.append("other", a_turn(70, "ship", ""), key_of("ship")[None])
    assert memory.keys("ship")[0] == 2


def test_what_is_deleted_is_gone_and_what_is_changed_is_as_it_is_now(memory: Memory) -> None:
    for word in WORDS:
        memory.say(f"tea {word}")
    assert 2 in memory.keys("tea")
    with memory.engine.begin() as connection:
        user = note_user(connection, "ann")
        connection.execute(delete(TurnRow).where(TurnRow.key == 2))
        user_changed(connection, user)
    assert 2 not in memory.keys("tea")
    assert len(memory.keys("tea")) == len(WORDS) - 1
    memory.stream().threads.remove("sea")
    assert memory.keys("tea") == []
    assert memory.index.held() == {}


def test_a_user_who_is_forgotten_and_comes_back_has_nothing_of_before(memory: Memory) -> None:
    memory.say("tea")
    assert memory.keys("tea") == [1]
    with memory.engine.begin() as connection:
        connection.execute(delete(UserRow).where(UserRow.name == "ann"))
    key = memory.say("tea again")
    assert memory.keys("tea") == [key]


def test_users_not_asked_for_the_longest_leave_and_come_back_equal(engine: Engine) -> None:
    memory = Memory(engine, capacity=25)
    for n in range(30):
        memory.say(f"tea {WORDS[n % 8]}", user="abc"[n % 3])
    before = {user: memory.ask("tea", user) for user in "abc"}
    assert memory.index.held() == {"b": 10, "c": 10}
    memory.ask("tea", "b")
    memory.ask("tea", "a")
    assert memory.index.held() == {"b": 10, "a": 10}
    assert {user: memory.ask("tea", user) for user in "abc"} == before
    with pytest.raises(ValueError, match="capacity is 0"):
        StreamIndex(engine, memory.encoder, DIM, 0)


def test_a_user_larger_than_all_of_it_keeps_the_newest_and_the_most_important(engine: Engine) -> None:
    memory = Memory(engine, capacity=10)
    for n in range(1, 21):
        memory.say(f"tea {n}", importance=1.0 if n <= 3 else 0.0)
    kept = {1, 2, 3, *range(14, 21)}
    assert set(memory.keys("tea", k=20)) == kept
    assert memory.index.held() == {"ann": 10}
    memory.say("tea 21")
    assert set(memory.keys("tea", k=20)) == kept | {21}
    memory.say("tea 22")
    assert set(memory.keys("tea", k=20)) == {1, 2, 3, *range(16, 23)}
    assert len(list(memory.stream().all_turns())) == 22


turn_of = st.tuples(st.sampled_from(["ann", "bob", "Ann", ""]), st.sampled_from(["sea", "land", "sea "]))


@settings(max_examples=15, deadline=None)
@given(st.lists(turn_of, min_size=1, max_size=25), st.integers(3, 30))
def test_nobody_reaches_what_another_has_said(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str]], capacity: int
) -> None:
    engine = open_database(url(tmp_path_factory.mktemp("scopes")))
    memory = Memory(engine, capacity=capacity)
    owners = {}
    for user, thread in said:
        owners[memory.say("tea ship", user, thread)] = (user, thread)
        memory.index.catch_up(user)
    for user, thread in {*said, ("nobody", "sea")}:
        mine = {key for key, owner in owners.items() if owner[0] == user}
        here = {key for key in mine if owners[key][1] == thread}
        activated = set(memory.keys("tea", user, k=100))
        assert activated <= mine
        assert set(memory.keys("tea", user, k=100, threads=[thread])) <= here
        if len(mine) <= capacity:
            assert activated == mine
            assert set(memory.keys("tea", user, k=100, threads=[thread])) == here
    engine.dispose()


def test_many_threads_ask_and_add_at_once(engine: Engine) -> None:
    memory = Memory(engine, capacity=40)
    failed: list[BaseException] = []

    def talk(number: int) -> None:
        user = "abc"[number % 3]
        try:
            for n in range(12):
                turn = a_turn(100 * number + n, f"tea {user}", "")
                memory.stream(user).append(f"t{number}", turn, key_of(turn.question)[None])
                found = memory.index.activate(user, "tea", key_of("tea"), LATER, k=100)
                texts = {turn.question for turn in memory.stream(user).turns([each.key for each in found])}
                assert texts == {f"tea {user}"}
                assert len(found) >= n + 1
        except BaseException as error:
            failed.append(error)

    talkers = [threading.Thread(target=talk, args=(number,)) for number in range(6)]
    for each in talkers:
        each.start()
    for each in talkers:
        each.join(60)
    assert failed == []
    assert len(memory.keys("tea", "a", k=100)) == 24


def _talk(where: str, first: int) -> None:
    engine = open_database(where)
    stream = MemoryStream(engine, "ann", an_encoder(engine), DIM)
    for n in range(first, first + 10):
        turn: Turn = a_turn(n, f"tea {n}", "")
        stream.append("sea", turn, key_of(turn.question)[None])
    engine.dispose()


def test_processes_that_write_are_all_seen(tmp_path: Path, memory: Memory) -> None:
    memory.say("tea")
    memory.index.catch_up("ann")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_talk, args=(url(tmp_path), 100 * n)) for n in (1, 2)]
    for each in writers:
        each.start()
    seen = [memory.index.catch_up("ann") for _ in range(20)]
    for each in writers:
        each.join(60)
    assert seen == sorted(seen)
    assert memory.index.catch_up("ann") == 21
    assert set(memory.keys("tea", k=50)) == set(range(1, 22))
