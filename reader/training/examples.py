"""Rows as token ids: passages and questions are tokenised once, examples point into them."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from reader.spans.decoding import LONGEST
from reader.spans.windows import shapes_of
from reader.training.altering import altered_questions
from reader.training.rows import Row
from retrieval.sentences import split_sentences

__all__ = ["WINDOW", "Example", "Passage", "Pool", "batch_of", "examples_of", "make_pool"]

WINDOW: Final = 256
STEP: Final = 16
"""Lengths of batches are multiples of it: few different ones for the heads."""
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
        shapes: Of its tokens (`reader.spans.windows.shapes_of`).
    """

    text: str
    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    sentences: list[int]
    shapes: np.ndarray

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
class Wording:
    """A question in tokens, with their shapes."""

    ids: np.ndarray
    shapes: np.ndarray

    @classmethod
    def of(cls, question: str, found: Any) -> Wording:
        """The first tokens of a question as it was tokenised."""
        shapes = shapes_of(question, found.offsets[:MOST_QUESTION])
        return cls(np.array(found.ids[:MOST_QUESTION], np.int32), np.array(shapes, np.int8))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its passage.

    Attributes:
        row: As it was read.
        wording: The question.
        passage: Position of the passage in the pool.
        spans: First and last token of each accepted answer there.
        altered: The question with something exchanged, so that the passage does not answer it.
        wrong: Positions of passages that were found for it and do not answer it.
    """

    row: Row
    wording: Wording
    passage: int
    spans: tuple[tuple[int, int], ...]
    altered: Wording | None = None
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
        spans: First and last token of each accepted answer in the window, counted in the passage.
        relevant: 1 if the passage answers, 0 if it was found for the question and does not, -1 if unsaid.
        length: Tokens of all.
        altered: Whether the question is the altered one.
    """

    asked: int
    passage: int
    begin: int
    end: int
    spans: tuple[tuple[int, int], ...]
    relevant: int
    length: int
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
                Passage(
                    text,
                    np.array(found.ids, np.int32),
                    offsets[:, 0],
                    offsets[:, 1],
                    begins,
                    np.array(shapes_of(text, found.offsets), np.int8),
                )
            )
    questions = tokenizer.encode_batch([row.question for row in rows], add_special_tokens=False)
    others = altered_questions(rows, np.random.default_rng(len(rows)))
    changed = {n: other for n, other in enumerate(others) if other}
    altered = tokenizer.encode_batch([each or "" for each in others], add_special_tokens=False)
    asked: list[Asked] = []
    for row, found, other in zip(rows, questions, altered, strict=True):
        passage = number[row.context]
        spans = tuple(passages[passage].tokens(s, s + len(t.rstrip())) for t, s in row.answers)
        trick = Wording.of(change, other) if (change := changed.get(len(asked))) else None
        asked.append(Asked(row, Wording.of(row.question, found), passage, spans, trick))
    return Pool(passages, asked)


def examples_of(pool: Pool, n: int, random: np.random.Generator, wrong: int, trick: bool) -> list[Example]:
    """The question before its own passage and before `wrong` others that were found and do not answer.

    With `trick`, the altered question before its own passage as well.
    """
    asked = pool.asked[n]
    span = asked.spans[random.integers(len(asked.spans))] if asked.spans else None
    made = [_example(pool, n, asked.passage, span, 1 if span else -1, random)]
    if wrong and asked.wrong:
        for other in random.permutation(len(asked.wrong))[:wrong]:
            made.append(_example(pool, n, asked.wrong[other], None, 0, random))
    if trick and asked.altered is not None:
        made.append(_example(pool, n, asked.passage, span, -1, random, altered=True))
    return made


def _example(
    pool: Pool,
    n: int,
    position: int,
    span: tuple[int, int] | None,
    relevant: int,
    random: np.random.Generator,
    altered: bool = False,
) -> Example:
    """A window that holds the span, with the accepted answers in it unless the question is altered."""
    asked, passage = pool.asked[n], pool.passages[position]
    wording = asked.altered if altered and asked.altered is not None else asked.wording
    room = WINDOW - len(wording.ids) - 3
    begin, end = _window(len(passage.ids), room, span and _cut(span), random)
    own = () if altered or position != asked.passage else asked.spans
    cut = (_cut(each) for each in own)
    inside = tuple(sorted({each for each in cut if begin <= each[0] and each[1] < end}))
    return Example(n, position, begin, end, inside, relevant, end - begin + len(wording.ids) + 3, altered)


def _cut(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], min(span[1], span[0] + LONGEST - 1)


def _window(
    tokens: int, room: int, span: tuple[int, int] | None, random: np.random.Generator
) -> tuple[int, int]:
    if tokens <= room:
        return 0, tokens
    lowest, highest = (0, tokens - room) if span is None else (span[1] + 1 - room, span[0])
    begin = int(random.integers(max(lowest, 0), min(highest, tokens - room) + 1))
    return begin, begin + room


def batch_of(pool: Pool, examples: Sequence[Example]) -> dict[str, np.ndarray]:
    """Arrays of a batch, padded to its longest example and then to a multiple of `STEP`.

    Returns:
        ids, kinds (0 question, 1 passage), mask, shapes: (n, length); choosable (n, length): True for the
        passage; gold (n, length, length): True from the first to the last token of an accepted answer;
        relevant (n,); group (n,): of the question; sentence (n, length): 1 in the sentence of the answer, -1
        where unsaid.
    """
    count, longest = len(examples), max(each.length for each in examples)
    length = -(-longest // STEP) * STEP
    ids, kinds, mask, shapes = (np.zeros((count, length), np.int64) for _ in range(4))
    choosable = np.zeros((count, length), bool)
    gold = np.zeros((count, length, length), bool)
    sentence = np.full((count, length), -1.0, np.float32)
    for k, each in enumerate(examples):
        asked, passage = pool.asked[each.asked], pool.passages[each.passage]
        wording = asked.altered if each.altered and asked.altered is not None else asked.wording
        at = len(wording.ids) + 2
        behind = at + each.end - each.begin
        ids[k, 0], ids[k, 1 : at - 1], ids[k, at - 1] = CLS, wording.ids, SEP
        ids[k, at:behind], ids[k, behind] = passage.ids[each.begin : each.end], SEP
        shapes[k, 1 : at - 1], shapes[k, at:behind] = wording.shapes, passage.shapes[each.begin : each.end]
        kinds[k, at : each.length], mask[k, : each.length] = 1, 1
        choosable[k, at:behind] = True
        move = at - each.begin
        for first, last in each.spans:
            gold[k, first + move, last + move] = True
        if each.spans:
            begin, end = passage.sentence(each.spans[0][0])
            sentence[k, at:behind] = 0
            sentence[k, max(begin + move, at) : min(end + move, behind)] = 1
    return {
        "ids": ids,
        "kinds": kinds,
        "mask": mask,
        "shapes": shapes,
        "choosable": choosable,
        "gold": gold,
        "relevant": np.array([each.relevant for each in examples], np.int64),
        "group": np.array([each.asked for each in examples], np.int64),
        "sentence": sentence,
    }
