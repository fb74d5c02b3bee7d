"""Rows as token ids: passages and questions are tokenised once, examples point into them."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from reader.training.altering import altered_questions
from reader.training.rows import Row
from retrieval.sentences import split_sentences

__all__ = ["WINDOW", "Example", "Passage", "Pool", "batch_of", "examples_of", "make_pool"]

WINDOW: Final = 256
CLS, SEP = 101, 102
MOST_QUESTION: Final = 48


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage in tokens.

    Attributes:
        text: As it stands.
        ids: Of its tokens, without special ones.
        starts: First character of each token.
        ends: Character behind each token.
        sentences: First character of each sentence.
    """

    text: str
    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    sentences: list[int]

    def tokens(self, start: int, end: int) -> tuple[int, int]:
        """First and last token of characters [start, end)."""
        first = int(np.searchsorted(self.ends, start, side="right"))
        last = int(np.searchsorted(self.starts, end, side="left")) - 1
        return first, max(first, last)

    def sentence(self, first: int) -> tuple[int, int]:
        """Tokens [from, to) of the sentence in which a token stands."""
        n = bisect.bisect_right(self.sentences, int(self.starts[first])) - 1
        begin = self.sentences[max(n, 0)]
        end = self.sentences[n + 1] if n + 1 < len(self.sentences) else len(self.text)
        return int(np.searchsorted(self.starts, begin)), int(np.searchsorted(self.starts, end))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in tokens, with its passage and its answers there as tokens (first, last)."""

    row: Row
    ids: np.ndarray
    passage: int
    spans: tuple[tuple[int, int], ...]
    altered: np.ndarray | None = None
    wrong: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """All questions and passages."""

    passages: list[Passage]
    asked: list[Asked]

    def with_wrong(self, wrong: Sequence[Sequence[int]]) -> Pool:
        """The same with the positions of wrong passages for each question."""
        asked = [replace(each, wrong=tuple(found)) for each, found in zip(self.asked, wrong, strict=True)]
        return replace(self, asked=asked)


@dataclass(frozen=True, slots=True)
class Example:
    """A question before a window of a passage.

    Attributes:
        asked: Position of the question in the pool.
        passage: Position of the passage.
        begin: First token of the window.
        end: Token behind it.
        span: First and last token of the answer, counted in the passage; None if it has none there.
        relevant: 1 if the passage answers, 0 if it was found for the question and does not, -1 if unsaid.
    """

    asked: int
    passage: int
    begin: int
    end: int
    span: tuple[int, int] | None
    relevant: int
    length: int = field(default=0)
    altered: bool = False


def make_pool(rows: Sequence[Row], tokenizer: Any) -> Pool:
    """Tokenise, each passage once."""
    texts = list(dict.fromkeys(row.context for row in rows))
    number = {text: n for n, text in enumerate(texts)}
    passages: list[Passage] = []
    for at in range(0, len(texts), 1000):
        some = texts[at : at + 1000]
        for text, found in zip(some, tokenizer.encode_batch(some, add_special_tokens=False), strict=True):
            offsets = np.array(found.offsets, np.int32).reshape(-1, 2)
            begins = [each.start for each in split_sentences(text)] or [0]
            passages.append(
                Passage(text, np.array(found.ids, np.int32), offsets[:, 0], offsets[:, 1], begins)
            )
    questions = tokenizer.encode_batch([row.question for row in rows], add_special_tokens=False)
    others = altered_questions(rows, np.random.default_rng(len(rows)))
    altered = tokenizer.encode_batch([each or "" for each in others], add_special_tokens=False)
    asked = []
    for row, found, other in zip(rows, questions, altered, strict=True):
        passage = number[row.context]
        spans = tuple(passages[passage].tokens(s, s + len(t.rstrip())) for t, s in row.answers)
        ids = np.array(found.ids[:MOST_QUESTION], np.int32)
        trick = np.array(other.ids[:MOST_QUESTION], np.int32) if other.ids else None
        asked.append(Asked(row, ids, passage, spans, trick))
    return Pool(passages, asked)


def examples_of(pool: Pool, n: int, random: np.random.Generator, wrong: bool, trick: bool) -> list[Example]:
    """The question before its own passage and, if `wrong`, before one that was found and does not answer."""
    asked = pool.asked[n]
    room = WINDOW - len(asked.ids) - 3
    made = []
    passage = pool.passages[asked.passage]
    span = asked.spans[random.integers(len(asked.spans))] if asked.spans else None
    if span is not None and span[1] - span[0] >= room // 2:
        span = span[0], span[0] + room // 2 - 1
    begin, end = _window(len(passage.ids), room, span, random)
    relevant = 1 if span else -1
    made.append(Example(n, asked.passage, begin, end, span, relevant, end - begin + len(asked.ids) + 3))
    if wrong and asked.wrong:
        other = int(asked.wrong[random.integers(len(asked.wrong))])
        begin, end = _window(len(pool.passages[other].ids), room, None, random)
        made.append(Example(n, other, begin, end, None, 0, end - begin + len(asked.ids) + 3))
    if trick and asked.altered is not None:
        room = WINDOW - len(asked.altered) - 3
        begin, end = _window(len(passage.ids), room, span, random)
        length = end - begin + len(asked.altered) + 3
        made.append(Example(n, asked.passage, begin, end, None, -1, length, True))
    return made


def _window(
    tokens: int, room: int, span: tuple[int, int] | None, random: np.random.Generator
) -> tuple[int, int]:
    if tokens <= room:
        return 0, tokens
    lowest, highest = (0, tokens - room) if span is None else (span[1] + 1 - room, span[0])
    begin = int(random.integers(max(lowest, 0), min(highest, tokens - room) + 1))
    return begin, begin + room


def batch_of(pool: Pool, examples: Sequence[Example]) -> dict[str, np.ndarray]:
    """Arrays of a batch, padded to its longest example.

    Returns:
        ids, kinds (0 question, 1 passage), mask: (n, length); choosable (n, length): 1 for the passage and
        for the first token, which stands for "no answer"; first, last (n,): positions of the answer, 0 for
        none; relevant (n,); sentence (n, length): 1 in the sentence of the answer, -1 where unsaid.
    """
    count, length = len(examples), max(each.length for each in examples)
    ids = np.zeros((count, length), np.int64)
    kinds, mask = np.zeros((count, length), np.int64), np.zeros((count, length), np.int64)
    choosable = np.zeros((count, length), bool)
    sentence = np.full((count, length), -1.0, np.float32)
    first, last, relevant = (np.zeros(count, np.int64) for _ in range(3))
    for k, each in enumerate(examples):
        asked, passage = pool.asked[each.asked], pool.passages[each.passage]
        question = asked.altered if each.altered and asked.altered is not None else asked.ids
        at = len(question) + 2
        shown = passage.ids[each.begin : each.end]
        ids[k, 0], ids[k, 1 : at - 1], ids[k, at - 1] = CLS, question, SEP
        ids[k, at : at + len(shown)], ids[k, at + len(shown)] = shown, SEP
        kinds[k, at : each.length], mask[k, : each.length] = 1, 1
        choosable[k, 0] = choosable[k, at : at + len(shown)] = True
        relevant[k] = each.relevant
        if each.span is not None:
            first[k], last[k] = each.span[0] - each.begin + at, each.span[1] - each.begin + at
            begin, end = passage.sentence(each.span[0])
            sentence[k, at : at + len(shown)] = 0
            low, high = max(begin - each.begin, 0), min(end - each.begin, len(shown))
            sentence[k, at + low : at + high] = 1
    return {
        "ids": ids,
        "kinds": kinds,
        "mask": mask,
        "choosable": choosable,
        "first": first,
        "last": last,
        "relevant": relevant,
        "sentence": sentence,
    }
