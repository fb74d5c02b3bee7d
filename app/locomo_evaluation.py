"""`clew eval locomo`: whether the turns that hold an answer are activated, given, and answered from."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import Any, Final

import numpy as np

from app.conversation_files import Conversation, ConversationQuestion, SaidTurn, load_conversations
from app.events import Event, Progress
from app.library import Library
from app.memory_home import MemoryHome
from app.metrics import locomo_f1, without_numbers
from app.recollection import Recollector
from app.shown_memories import shown_memories
from app.turn_texts import shown_turn
from memory.importance import importance
from memory.need import MemoryNeed
from memory.threads import Turn
from memory.turn_keys import turn_keys
from reader.contract import Reader
from reader.remembering import central_sentence
from retrieval.hits import Float32, Int64

__all__ = ["evaluate_locomo", "keep_conversation"]

DEPTHS: Final = (5, 10, 25, 50)
ADVERSARIAL: Final = 5
BATCH: Final = 256


@dataclass(slots=True)
class _Figures:
    """What the questions of one category came to."""

    recall: dict[int, list[float]] = field(default_factory=lambda: {k: [] for k in DEPTHS})
    f1: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    needed: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """The means; without evidence to look for, as in category 5, of the scores alone."""
        found: dict[str, Any] = {"questions": len(self.f1), "f1": mean(self.f1)}
        if self.given:
            found |= {
                "recall": {str(k): mean(each) for k, each in self.recall.items()},
                "activated_recall": mean(self.given),
                "whole_recall": mean(self.whole),
                "plain_recall": mean(self.plain),
                "tokens_per_question": mean(self.tokens),
            }
        return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """A conversation in memory.

    Attributes:
        places: The key of each turn, by its id.
        owners: The key of the turn that each embedding is of, shape (n,).
        rows: The embeddings, unit rows, shape (n, dim).
    """

    places: Mapping[str, int]
    owners: Int64
    rows: Float32


def evaluate_locomo(file: Path, library: Library, progress: Progress) -> dict[str, Any]:
    """Keep each conversation as a user's memory, ask all its questions, and return DESIGN's report.

    `activated_recall` is the share of the gold turns among those that the controller gives to the reader,
    `plain_recall` that among the turns with the greatest cosines, and `whole_recall` that among those of the
    greatest activation, each of them whole, as many as have room in the same budget of tokens; `needed` is
    the share of questions that memory is taken to be needed for, where there is anything else to answer from.
    `tokens_per_question` are those of all that the reader is given of memory. Where no question has evidence
    to look for, the figures of it are None.

    Raises:
        EvaluationError: If the file holds no conversations with questions.
    """
    figures: dict[int, _Figures] = {}
    for conversation in load_conversations(file):
        speaker = library.for_user(conversation.sample_id)
        speaker.memory = library.memory.at(conversation.ended)
        recollector = speaker.memory.recollector(speaker.user)
        kept = keep_conversation(conversation, speaker.memory, progress)
        reader = library.backends.reader.for_job("eval locomo", progress)
        for done, question in enumerate(conversation.questions):
            progress(Event("question", conversation.sample_id, done, len(conversation.questions)))
            each = figures.setdefault(question.category, _Figures())
            answer = speaker.ask(question.question)
            each.f1.append(_score(question, answer.text, answer.abstained))
            if question.category != ADVERSARIAL and question.evidence:
                _look(question, kept, recollector, reader, library, each)
    progress(Event("done", ""))
    return _report(figures)


def keep_conversation(conversation: Conversation, memory: MemoryHome, progress: Progress) -> _Kept:
    """Keep the turns of a conversation as the memory of a user of that name."""
    stream = memory.stream(conversation.sample_id)
    said = conversation.turns()
    turns = [_turn(turn, at) for _, at, turn in said]
    keys = [turn_keys(turn) for turn in turns]
    texts = [text for each in keys for text in each]
    found: list[Float32] = []
    for start in range(0, len(texts), BATCH):
        progress(Event("encode", conversation.sample_id, start, len(texts)))
        found.append(memory.encode(texts[start : start + BATCH]))
    rows, first = np.concatenate(found), 0
    ordinals: dict[tuple[str, int], str] = {}
    for (thread, _, utterance), turn, each in zip(said, turns, keys, strict=True):
        ordinal = stream.append(thread, turn, rows[first : first + len(each)])
        ordinals[thread, ordinal] = utterance.turn_id
        first += len(each)
    stored = {ordinals[turn.thread, turn.ordinal]: turn.key for turn in stream.all_turns()}
    owners = [stored[turn.turn_id] for (_, _, turn), each in zip(said, keys, strict=True) for _ in each]
    return _Kept(stored, np.array(owners, np.int64), rows)


def _turn(turn: SaidTurn, at: datetime) -> Turn:
    return Turn(
        run=uuid.uuid4().hex,
        question=turn.said,
        answer="",
        abstained=False,
        asked_at=at,
        seconds=0.0,
        speaker=turn.speaker,
        question_summary=central_sentence(turn.said),
        importance=importance(turn.said),
    )


def _look(
    question: ConversationQuestion,
    kept: _Kept,
    recollector: Recollector,
    reader: Reader,
    library: Library,
    figures: _Figures,
) -> None:
    """Measure what is activated for a question, and what is given of it."""
    gold = set(question.evidence)
    wanted = {kept.places[turn] for turn in gold if turn in kept.places}
    began = time.perf_counter()
    row = library.memory.encode([question.question])[0]
    recalled = recollector.recall(question.question, row, reader, alone=not library.documents())
    figures.seconds.append(time.perf_counter() - began)
    activated = recollector.reranked(question.question, recollector.activated(question.question, row))
    ranking = [each.key for each in activated]
    for k in DEPTHS:
        figures.recall[k].append(len(wanted & set(ranking[:k])) / len(gold))
    figures.given.append(len(wanted & {each.key for each in recalled.turns}) / len(gold))
    forms = {each.key: each.form for each in recalled.turns}
    shown = shown_memories(recollector, forms, recalled.facts, None)
    figures.tokens.append(sum(recollector.count_tokens(each.text) for each in shown))
    need = library.memory.need or MemoryNeed.load()
    estimate = need.estimate(question.question, *recollector.telling(activated))
    figures.needed.append(float(estimate.needed))
    figures.whole.append(len(wanted & _whole(ranking, recollector, library)) / len(gold))
    closest = kept.owners[np.argsort(-(kept.rows @ row), kind="stable")]
    plain = list(dict.fromkeys(closest.tolist()))
    figures.plain.append(len(wanted & _whole(plain, recollector, library)) / len(gold))


def _whole(ranking: Sequence[int], recollector: Recollector, library: Library) -> set[int]:
    """The first turns of a ranking, whole, as many as the budget has room for."""
    room, taken = library.settings.memory_tokens, set[int]()
    for turn in recollector.stream.turns(ranking[: library.settings.memory_turns]):
        room -= library.memory.count_tokens(shown_turn(turn))
        if room < 0:
            break
        taken.add(turn.key)
    return taken


def _score(question: ConversationQuestion, answer: str, abstained: bool) -> float:
    """The official F1; an abstention has no words, and is right where nothing was said about it."""
    if question.category == ADVERSARIAL:
        return float(abstained)
    text = "" if abstained else without_numbers(answer)
    return locomo_f1(text, str(question.answer), question.category)


def _report(figures: Mapping[int, _Figures]) -> dict[str, Any]:
    evidenced = [each for each in figures.values() if each.given]
    seconds = [s for each in evidenced for s in each.seconds]

    def over_all(of: Callable[[_Figures], Sequence[float]]) -> float | None:
        values = [value for each in evidenced for value in of(each)]
        return mean(values) if values else None

    return {
        "questions": sum(len(each.f1) for each in figures.values()),
        "recall": {str(k): over_all(lambda each, k=k: each.recall[k]) for k in DEPTHS},  # type: ignore[misc]
        "by_category": {str(kind): figures[kind].report() for kind in sorted(figures)},
        "f1": mean([score for each in figures.values() for score in each.f1]),
        "tokens_per_question": over_all(lambda each: each.tokens),
        "activated_recall": over_all(lambda each: each.given),
        "whole_recall": over_all(lambda each: each.whole),
        "plain_recall": over_all(lambda each: each.plain),
        "needed": over_all(lambda each: each.needed),
        "seconds_p50": float(np.percentile(seconds, 50)) if seconds else None,
        "seconds_p95": float(np.percentile(seconds, 95)) if seconds else None,
    }
