"""What memory holds for a question: the controller's decisions, from "is it needed" to what is given.

As in SCM (arXiv 2304.13343): the turn before always (flash memory), activated turns and facts only where the
question needs them, within a budget of tokens, in the order of time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from app.events import Progress, silent
from app.turn_encoding import encode_turns
from app.turn_ranking import read_turns
from app.turn_texts import (
    all_sentences,
    answer_sentences,
    in_pieces,
    opens,
    overlap,
    said,
    shown_turn,
    statements,
    turn_origin,
    turn_text,
    turns_in_context,
)
from memory.activation import ActivationWeights
from memory.controller import ActivatedItem, Form, MemoryBudget, control
from memory.facts import Fact
from memory.long_term import LongTermMemory
from memory.need import MemoryNeed
from memory.question_cues import as_a_speaker_asks, named_terms
from memory.search_rows import StoredSentences
from memory.stream import MemoryStream
from memory.stream_index import ActivatedTurn, StreamIndex
from memory.time_words import Period, event_offset
from reader.contract import Reader
from reader.errors import BudgetError
from reader.remembering import MemoryForm, asks_about_answers, words_suffice
from reader.rules import refers_back
from retrieval.document import Span
from retrieval.evidence import MemoryOrigin
from retrieval.hits import Float32
from retrieval.reranking import SpanReader

__all__ = [
    "Recalled",
    "RecalledTurn",
    "Recollector",
    "Spoken",
]

FACTS: Final = 8
"""Facts that are given at most."""
JOINED: Final = 10
"""Activated turns, from the best one on, that neighbours may join."""
JOINED_SHARE: Final = 0.5
"""Of the score of the turn that it joins, a neighbour's."""
UNENCODED: Final = 512
"""Turns without embeddings, the newest, that are encoded before a question is asked."""

BEST: Final = 3
"""Turns that tell whether memory is needed, ..."""
LOOKED_AT: Final = 20
"""... among so many."""
RELEVANCE: Final = 0.05
"""The gate of LongMem (arXiv 2306.07174): turns of no more relevance are not activated. Of the gold turns
among the first 25 of LoCoMo's questions it loses 0.5 %, and of all turns it keeps 58 %."""
EVENT_RELEVANCE: Final = 0.34
"""Turns of no more relevance do not speak of an event that dates what is asked for. Of the events that 51 of
LoCoMo's questions name three quarters are above it in their own conversation, and one quarter in others."""

READ: Final = 30
"""Activated turns that are read together with the question, ..."""
READ_AROUND: Final = (3, 1)
"""... each with so many turns before it, and after it."""

_FORMERLY: Final = re.compile(
    r"\b(?:used to|before|formerly|previous(?:ly)?|earlier|originally|at first|back then|old|was|were)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RecalledTurn:
    """A turn that is given, in which form, and how well it speaks to the question.

    `why` is its relevance, recency and importance, 0 to 1 each; None for one that only joins another.
    """

    key: int
    form: Form
    score: float
    why: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """What memory holds for a question.

    Attributes:
        needed: Whether the question needs memory at all.
        turns: Those that fit, in the order of time.
        facts: Best first.
        tokens: Of all turns, as they are given.
        dropped: Turns that were activated and had no room.
        detail: For the step.
    """

    needed: bool
    turns: tuple[RecalledTurn, ...] = ()
    facts: tuple[Fact, ...] = ()
    tokens: int = 0
    dropped: int = 0
    detail: str = ""


class Recollector:
    """Recalls for one user.

    Args:
        stream: What was said.
        index: Which of it a question activates.
        facts: What the user has asserted.
        need: Whether a question needs any of it.
        budget: Tokens of what is given.
        weights: Of the parts of a turn's activation.
        most: Turns that are activated at most.
        encode: Texts to unit rows.
        count_tokens: Of a text.
        now: The time, with its zone.
        progress: Told what is waited for.
        span_reader: Gives what reads turns together with the question; None leaves them as activated.
    """

    def __init__(
        self,
        stream: MemoryStream,
        index: StreamIndex,
        facts: LongTermMemory,
        need: MemoryNeed,
        budget: MemoryBudget,
        weights: ActivationWeights,
        most: int,
        encode: Callable[[Sequence[str]], Float32],
        count_tokens: Callable[[str], int],
        now: Callable[[], datetime],
        progress: Progress = silent,
        span_reader: Callable[[], SpanReader | None] = lambda: None,
    ) -> None:
        self.stream, self.facts = stream, facts
        self._index, self._need, self._weights, self._most = index, need, weights, most
        self.budget, self.count_tokens = budget, count_tokens
        self.encode, self._now, self._progress = encode, now, progress
        self._span_reader = span_reader

    def recall(
        self,
        question: str,
        row: Float32,
        reader: Reader,
        alone: bool = False,
    ) -> Recalled:
        """The turns and facts that a question needs, once turns without embeddings have them.

        Args:
            question: In words that need no earlier turn.
            row: Its embedding, shape (dim,).
            reader: Says whether memory is needed where the rules are not sure, and judges what is too much.
            alone: Whether there is nothing else to answer from, so that memory is needed in any case.
        """
        left = self.encode_missing()
        recalled = self._recalled(question, row, reader, alone)
        if not left:
            return recalled
        turns = "1 turn is" if left == 1 else f"{left:,} turns are"
        detail = f"{recalled.detail}; {turns} not encoded yet (`clew memory encode`)"
        return replace(recalled, detail=detail)

    def _recalled(self, question: str, row: Float32, reader: Reader, alone: bool) -> Recalled:
        activated = self.activated(question, row)
        facts = self.facts.recall(question, row, self._now(), FACTS)
        if self.stream.threads.replaced:
            there = {turn.key for turn in self.stream.turns([fact.turn_key for fact in facts])}
            facts = [fact for fact in facts if fact.turn_key in there]
        if not activated and not facts:
            return Recalled(False, detail="nothing is remembered")
        bounded = BoundedReader(reader)
        estimate = self._need.estimate(question, *self.telling(activated))
        needed = estimate.needed if estimate.certain else bounded.needs_memory(question, estimate.needed)
        needed = needed or alone
        if not needed and not facts:
            return Recalled(False, detail=f"memory not needed ({estimate.reason})")
        if not needed:
            return Recalled(True, facts=tuple(facts), detail=f"{len(facts)} facts")
        activated = self.reranked(question, activated)
        selected = control(question, self._items(activated), self.budget, self.count_tokens, bounded)
        why = {each.key: (each.relevance, each.recency, each.importance) for each in activated}
        turns = tuple(
            RecalledTurn(each.key, each.form, each.score, why.get(each.key)) for each in selected.items
        )
        brief = sum(each.form == "summary" for each in selected.items)
        detail = f"{len(turns)} turns of memory ({selected.tokens} tokens, {brief} as summaries"
        detail += f", {selected.dropped} had no room)" if selected.dropped else ")"
        detail += f", {len(facts)} facts" if facts else ""
        return Recalled(True, turns, tuple(facts), selected.tokens, selected.dropped, detail)

    def activated(self, question: str, row: Float32) -> list[ActivatedTurn]:
        """The turns that a question activates, best first; those beneath `RELEVANCE` stay out."""
        user, now = self.stream.user, self._now().astimezone()
        speakers = self._index.speakers(user)
        put, offset = as_a_speaker_asks(question, speakers), event_offset(question, now)
        event = as_a_speaker_asks(offset.event, speakers) if offset else put
        rows = {question: row}
        missing = [text for text in dict.fromkeys((put, event)) if text not in rows]
        if missing:
            rows.update(zip(missing, self.encode(missing), strict=True))
        periods: list[Period] = []
        if offset is not None:
            spoken = self._index.activate(user, offset.event, rows[event], now, k=1, gate=EVENT_RELEVANCE)
            turns = self.stream.turns([each.key for each in spoken])
            periods = [offset.period(turn.asked_at.astimezone(now.tzinfo)) for turn in turns]
        return self._index.activate(
            user,
            question,
            rows[put],
            now,
            k=self._most,
            periods=periods,
            gate=RELEVANCE,
            weights=self._weights,
        )

    def reranked(self, question: str, activated: list[ActivatedTurn]) -> list[ActivatedTurn]:
        """The turns with the best of them in the order that reading them with the question gives."""
        span_reader = self._span_reader()
        if span_reader is None or len(activated) < 2:
            return activated
        turns = {turn.key: turn for turn in self.stream.turns([each.key for each in activated[:READ]])}
        best = [each for each in activated[:READ] if each.key in turns]
        around = self.stream.around(list(turns), *READ_AROUND)
        texts = [turns_in_context(turns[each.key], *around[each.key]) for each in best]
        readings = span_reader.read(question, [text for both in texts for text in both])
        both = zip(readings[::2], readings[1::2], strict=True)
        relevance = [(one.relevance + two.relevance) / 2 for one, two in both]
        return read_turns(best, relevance) + [each for each in activated if each.key not in turns]

    def spoken(self, question: str) -> Spoken:
        """A question as the one who speaks in the turns would ask it."""
        speakers = self._index.speakers(self.stream.user)
        return Spoken(as_a_speaker_asks(question, speakers), named_terms(question, speakers))

    def telling(self, activated: Sequence[ActivatedTurn]) -> tuple[list[ActivatedTurn], list[str]]:
        """The few turns that tell whether memory is needed, and what they say.

        One that only asks, as the same question did before, tells nothing.
        """
        looked_at = activated[:LOOKED_AT]
        saying = {turn.key: said(turn) for turn in self.stream.turns([each.key for each in looked_at])}
        telling = [each for each in looked_at if saying.get(each.key)][:BEST]
        return telling, [saying[each.key] for each in telling]

    def sentences(
        self, keys: Sequence[int], question: str, answers: bool = False, whole: Collection[int] = ()
    ) -> dict[int, StoredSentences]:
        """What turns state, sentence by sentence, offsets counting in each one's `turn_text`.

        Neither questions and requests, which say nothing, nor what the user has taken back since, unless the
        question asks for what was so before. All that was said is given to a question about what was said;
        with `answers` others get what a mere question was answered by somebody else than Clew, whose own
        words are no evidence of what they say. A turn that has nothing to give, or is gone, is left out.

        Args:
            keys: Of the turns.
            question: In the user's own words.
            answers: Whether there is nothing else to answer from.
            whole: Keys of turns of which all is given, whatever is asked.
        """
        turns = self.stream.turns(keys)
        about_answers = asks_about_answers(question)
        found: dict[int, list[Span]] = {}
        for turn in turns:
            if about_answers or turn.key in whole:
                found[turn.key] = all_sentences(turn)
                continue
            text = turn_text(turn)
            closed = [] if _FORMERLY.search(question) else self.facts.closed_quotes(turn.key)
            spans = [
                span
                for span in statements(turn)
                if not any(overlap(text[span.start : span.end], quote) for quote in closed)
            ]
            found[turn.key] = spans or (answer_sentences(turn) if answers and not turn.answered_by else [])
        found = {turn.key: in_pieces(turn_text(turn), found[turn.key]) for turn in turns}
        texts = {
            turn.key: tuple(turn_text(turn)[span.start : span.end] for span in found[turn.key])
            for turn in turns
        }
        all_texts = [text for each in texts.values() for text in each]
        rows, first = self.encode(all_texts) if all_texts else None, 0
        stored: dict[int, StoredSentences] = {}
        for key, each in texts.items():
            if rows is not None and each:
                own = rows[first : first + len(each)]
                counts = tuple(map(self.count_tokens, each))
                stored[key] = StoredSentences(tuple(range(len(each))), tuple(found[key]), each, counts, own)
                first += len(each)
        return stored

    def text(self, key: int, span: Span) -> str:
        """The characters of a span of a turn as it is stored now, "" if it is gone."""
        return "".join(turn_text(turn)[span.start : span.end] for turn in self.stream.turns([key]))

    def origin(self, key: int, span: Span) -> MemoryOrigin | None:
        """Who said the characters of a span of a turn, and when; None if it is gone."""
        found = self.stream.turns([key])
        return turn_origin(found[0], span) if found else None

    def encode_missing(self) -> int:
        """Encode the newest turns that have no embeddings yet; how many are left without."""
        missing = self._index.unencoded(self.stream.user)
        if missing:
            missing -= encode_turns(self.stream, self.encode, min(missing, UNENCODED), self._progress)
        return missing

    def _items(self, activated: Sequence[ActivatedTurn]) -> list[ActivatedItem]:
        """What was activated with the neighbours that belong to it, best first."""
        scores = {each.key: each.score for each in activated}
        turns = {turn.key: turn for turn in self.stream.turns(list(scores))}
        for each in activated[:JOINED]:
            found = self.stream.neighbours(each.key, before=1, after=0)
            for before, turn in pairwise(found):
                if before.key not in scores and (opens(before) or refers_back(turn.question)):
                    turns[before.key], scores[before.key] = before, JOINED_SHARE * each.score
        best = sorted(turns.values(), key=lambda turn: -scores[turn.key])
        return [
            ActivatedItem(
                key=turn.key,
                at=turn.asked_at,
                text=shown_turn(turn),
                summary=shown_turn(turn, "summary") if turn.question_summary or turn.answer_summary else "",
                score=scores[turn.key],
            )
            for turn in best
        ]


@dataclass(frozen=True, slots=True)
class BoundedReader:
    """A reader whose decisions on memory are made by rule where the budget belongs to the answer."""

    reader: Reader

    def needs_memory(self, question: str, suggested: bool) -> bool:
        """What was suggested, if it cannot be asked."""
        try:
            return self.reader.needs_memory(question, suggested)
        except BudgetError:
            return suggested

    def summary_suffices(self, question: str, summary: str, text: str) -> bool:
        """By the question's words, if it cannot be asked."""
        try:
            return self.reader.summary_suffices(question, summary, text)
        except BudgetError:
            return words_suffice(question, summary, text)

    def judge_memories(self, question: str, memories: Sequence[str]) -> Sequence[MemoryForm]:
        """All of them, if it cannot be asked."""
        try:
            return self.reader.judge_memories(question, memories)
        except BudgetError:
            return ["raw"] * len(memories)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A question with "I" for the names of speakers, and the terms of those that it names."""

    text: str
    names: frozenset[str]
