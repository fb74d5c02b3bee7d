"""What is kept nowhere has one bound over all users: what was used the longest ago goes first."""

from functools import partial

from memory.incognito import IncognitoThreads
from memory.incognito_room import IncognitoRoom
from tests.memory.samples import a_turn


def names(threads: IncognitoThreads) -> list[str]:
    return [each.name for each in threads.threads()]


def test_the_threads_used_the_longest_ago_go_first_whoever_they_belong_to() -> None:
    room = IncognitoRoom(most=10_000)
    ann, bob = IncognitoThreads("ann", room), IncognitoThreads("bob", room)
    long = "x" * 3_000
    ann.append("first", a_turn(1, answer=long))
    bob.append("second", a_turn(2, answer=long))
    ann.append("third", a_turn(3, answer=long))
    ann.append("first", a_turn(4, answer="short"))
    assert (names(ann), names(bob)) == (["first", "third"], ["second"])
    bob.append("fourth", a_turn(5, answer=long))
    assert (names(ann), names(bob)) == (["first", "third"], ["fourth"])
    ann.remove("third")
    bob.append("fifth", a_turn(6, answer=long))
    assert (names(ann), names(bob)) == (["first"], ["fifth", "fourth"])


def test_a_thread_that_alone_is_too_long_loses_its_first_turns() -> None:
    ann = IncognitoThreads("ann", IncognitoRoom(most=10_000))
    assert [ann.append("a", a_turn(n, answer="x" * 3_000)) for n in range(1, 6)] == [1, 2, 3, 4, 5]
    assert [turn.ordinal for turn in ann.turns("a")] == [3, 4, 5]
    ann.append("a", a_turn(6, answer="x" * 20_000))
    assert [turn.ordinal for turn in ann.turns("a")] == [6]


def test_the_answers_that_ended_first_are_dropped() -> None:
    room, dropped = IncognitoRoom(answers=2), list[int]()
    for n in range(4):
        room.ended(partial(dropped.append, n))
    assert dropped == [0, 1]
