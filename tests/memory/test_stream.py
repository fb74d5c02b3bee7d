from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine, delete, event, select, update

from memory.conversation_tables import TurnRow, TurnVectorRow, UserRow
from memory.stream import MemoryStream, StreamTurn
from memory.users import known_user, user_revision
from tests.memory.samples import DIM, NOON, a_turn, an_encoder, counts, row_of


@pytest.fixture
def stream(engine: Engine) -> MemoryStream:
    return MemoryStream(engine, "ann", an_encoder(engine), DIM)


def other(stream: MemoryStream, user: str = "bob") -> MemoryStream:
    return MemoryStream(stream.engine, user, stream.encoder, DIM)


def revision(stream: MemoryStream) -> int:
    with stream.engine.connect() as connection:
        user = known_user(connection, stream.user)
        assert user is not None
        found = user_revision(connection, user)
    assert found is not None
    return found


def test_a_turn_and_its_embeddings_are_stored_together(stream: MemoryStream) -> None:
    rows = np.stack([row_of(b"one"), row_of(b"two")])
    assert stream.append("sea", replace(a_turn(1), importance=0.5), rows) == 1
    assert stream.turns([1]) == [
        StreamTurn(
            key=1,
            thread="sea",
            ordinal=1,
            run="run-1",
            asked_at=NOON.replace(minute=1),
            speaker="",
            question="Who sleeps?",
            answer="Five men. [1]",
            question_summary="",
            answer_summary="",
            importance=0.5,
            abstained=False,
            answered_by="tiny",
        )
    ]
    with stream.engine.connect() as connection:
        (blob,) = connection.execute(select(TurnVectorRow.vectors)).scalars()
    assert blob == rows.astype("<f2").tobytes()
    assert stream.without_vectors(5) == []


def test_neither_is_stored_where_one_cannot_be(stream: MemoryStream) -> None:
    def cut(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO turn_vectors"):
            raise RuntimeError("cut")

    event.listen(stream.engine, "before_cursor_execute", cut)
    with pytest.raises(RuntimeError, match="cut"):
        stream.append("sea", a_turn(1), row_of(b"one")[None])
    assert counts(stream.engine)["turns"] == 0


def test_embeddings_of_another_width_or_of_no_numbers_are_refused(stream: MemoryStream) -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 3\) for a stream of width 8"):
        stream.append("sea", a_turn(1), np.ones((1, 3), np.float32))
    with pytest.raises(ValueError, match="no number"):
        stream.append("sea", a_turn(1), np.full((1, DIM), np.nan, np.float32))
    assert counts(stream.engine)["turns"] == 0


def test_turns_come_in_the_order_asked_for_and_only_those_of_the_user(stream: MemoryStream) -> None:
    for n in (1, 2, 3):
        (stream if n != 2 else other(stream)).append("sea", a_turn(n))
    assert [turn.key for turn in stream.turns([3, 2, 99, 1])] == [3, 1]
    assert [turn.key for turn in other(stream).turns([3, 2, 1])] == [2]
    assert other(stream, "nobody").turns([1, 2, 3]) == []
    assert [turn.key for turn in stream.turns(list(range(3000, 0, -1)))] == [3, 1]


def test_neighbours_are_of_the_same_thread(stream: MemoryStream) -> None:
    for n in range(1, 11):
        stream.append("odd" if n % 2 else "even", a_turn(n))
    assert [turn.key for turn in stream.neighbours(5)] == [3, 5, 7]
    assert [turn.key for turn in stream.neighbours(1, before=3, after=2)] == [1, 3, 5]
    assert [turn.key for turn in stream.neighbours(10, before=2, after=2)] == [6, 8, 10]
    assert stream.neighbours(99) == []
    assert other(stream).neighbours(5) == []


def test_turns_around_others_are_of_the_same_thread_and_user(stream: MemoryStream) -> None:
    for n in range(1, 11):
        stream.append("odd" if n % 2 else "even", a_turn(n))

    def keys(stream: MemoryStream, *asked: int) -> dict[int, tuple[list[int], list[int]]]:
        found = stream.around(asked, 3, 1)
        return {
            key: ([turn.key for turn in before], [turn.key for turn in after])
            for key, (before, after) in found.items()
        }

    assert keys(stream, 9, 4, 1, 99) == {9: ([3, 5, 7], []), 4: ([2], [6]), 1: ([], [3]), 99: ([], [])}
    assert keys(other(stream), 9) == {9: ([], [])}
    assert keys(stream) == {}


def test_all_turns_come_in_the_order_they_were_stored(stream: MemoryStream) -> None:
    for n in range(1, 6):
        (stream if n != 4 else other(stream)).append(f"thread {n % 2}", a_turn(n))
    assert [turn.key for turn in stream.all_turns()] == [1, 2, 3, 5]
    assert [turn.thread for turn in other(stream).all_turns()] == ["thread 0"]


def test_a_stream_is_empty_until_its_user_has_said_something(stream: MemoryStream) -> None:
    assert stream.empty
    stream.append("sea", a_turn(1))
    assert not stream.empty
    assert other(stream).empty
    with stream.engine.begin() as connection:
        connection.execute(delete(TurnRow))
    assert stream.empty, "a thread without turns holds nothing"


def test_turns_without_embeddings_are_counted(stream: MemoryStream) -> None:
    for n in (1, 2, 3):
        stream.append("sea", a_turn(n), row_of(b"1")[None] if n == 2 else None)
    other(stream).append("sea", a_turn(9))
    assert stream.count_without_vectors() == 2
    assert other(stream, "nobody").count_without_vectors() == 0


def test_older_turns_are_encoded_later_the_newest_first(stream: MemoryStream) -> None:
    for n in range(1, 5):
        stream.append("sea", a_turn(n, f"Question {n}?", ""), None if n != 3 else row_of(b"3")[None])
    other(stream).append("sea", a_turn(9))
    found = stream.without_vectors(2)
    assert [(each.key, each.question) for each in found] == [(4, "Question 4?"), (2, "Question 2?")]
    before = revision(stream)
    stream.put_vectors([(each, row_of(b"any")[None]) for each in found])
    assert revision(stream) == before + 1
    assert [each.key for each in stream.without_vectors(9)] == [1]


def test_another_encoder_has_everything_to_encode(stream: MemoryStream) -> None:
    stream.append("sea", a_turn(1), row_of(b"1")[None])
    changed = MemoryStream(stream.engine, "ann", an_encoder(stream.engine, "model@2"), DIM)
    (turn,) = changed.without_vectors(9)
    assert (turn.question, turn.answer) == ("Who sleeps?", "Five men. [1]")
    changed.put_vectors([(turn, row_of(b"1")[None])])
    assert changed.without_vectors(9) == []
    assert counts(stream.engine)["turn_vectors"] == 2


def test_summaries_and_importance_come_with_the_embeddings(stream: MemoryStream) -> None:
    stream.append("sea", a_turn(1))
    (turn,) = stream.without_vectors(9)
    told = replace(turn, question_summary="Who?", answer_summary="Five.", importance=0.5)
    stream.put_vectors([(told, row_of(b"1")[None])])
    assert stream.turns([1]) == [told]


def test_what_is_taken_out_of_a_turn_while_it_is_encoded_does_not_come_back(stream: MemoryStream) -> None:
    stream.append("sea", a_turn(1))
    (turn,) = stream.without_vectors(9)
    with stream.engine.begin() as connection:
        connection.execute(update(TurnRow).values(answer=""))
    stream.put_vectors([(replace(turn, answer_summary="Five men."), row_of(b"1")[None])])
    assert stream.without_vectors(9) == [replace(turn, answer="")]
    assert stream.turns([1])[0].answer_summary == ""


def test_embeddings_come_once_and_to_turns_of_the_user_alone(stream: MemoryStream) -> None:
    stream.append("sea", a_turn(1), row_of(b"1")[None])
    other(stream).append("sea", a_turn(2))
    before = revision(stream)
    mine, theirs = *stream.turns([1]), *other(stream).turns([2])
    turns = [replace(each, importance=1.0) for each in (mine, theirs, replace(mine, key=99))]
    stream.put_vectors([(turn, row_of(b"new")[None]) for turn in turns])
    assert counts(stream.engine)["turn_vectors"] == 1
    assert revision(stream) == before
    assert [turn.importance for turn in (*stream.turns([1]), *other(stream).turns([2]))] == [0.0, 0.0]
    assert [each.key for each in other(stream).without_vectors(9)] == [2]


def test_a_user_who_is_forgotten_does_not_come_back_with_embeddings(stream: MemoryStream) -> None:
    stream.append("sea", a_turn(1))
    (turn,) = stream.without_vectors(1)
    with stream.engine.begin() as connection:
        connection.execute(delete(UserRow))
    stream.put_vectors([(turn, row_of(b"1")[None])])
    assert counts(stream.engine)["users"] == counts(stream.engine)["turn_vectors"] == 0


def test_what_no_database_can_hold_is_replaced_in_the_name_of_a_user(stream: MemoryStream) -> None:
    strange = other(stream, "an\x00n\ud83d")
    strange.append("\N{SNOWMAN}", a_turn(1, "日本 \N{GRINNING FACE}", ""))
    assert [(turn.thread, turn.question) for turn in strange.turns([1])] == [
        ("\N{SNOWMAN}", "日本 \N{GRINNING FACE}")
    ]
    assert stream.turns([1]) == []


def test_details_are_those_of_the_user_and_of_hidden_answers_too(stream: MemoryStream) -> None:
    for number in (1, 2):
        stream.append("sea", replace(a_turn(number), details={"model": "tiny", "query": f"{number}?"}))
    other(stream).append("sea", a_turn(3))
    stream.hides = lambda details: True
    assert [each["query"] for each in stream.details([2, 3, 9, 1])] == ["2?", "1?"]
