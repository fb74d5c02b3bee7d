"""Working memory: the newest of the path, within its tokens."""

from __future__ import annotations

from collections.abc import Sequence

from app.agent.working_memory import working_memory

PIECES = ["Book: It begins. It goes on. It ends.", "Part one: A boat sinks.", "Chapter: A man swims."]


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def test_all_of_it_where_it_fits() -> None:
    assert working_memory(PIECES, words, 100) == ("\n".join(PIECES), False)
    assert working_memory([], words) == ("", False)


def test_the_oldest_sentences_go_first() -> None:
    # 3 + 3 + 2 words, 5 words, 4 words.
    assert working_memory(PIECES, words, 17) == ("\n".join(PIECES), False)
    shorter = "It goes on. It ends.\nPart one: A boat sinks.\nChapter: A man swims."
    assert working_memory(PIECES, words, 16) == (shorter, True)
    assert working_memory(PIECES, words, 4) == ("Chapter: A man swims.", True)
    assert working_memory(PIECES, words, 3) == ("", True)
