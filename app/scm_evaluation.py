"""`clew eval scm`: how many of the words of a good answer memory brings, with its controller and without."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any, Final

from app.conversation_files import Dialogue, Probe, load_dialogues, load_probes
from app.errors import EvaluationError
from app.events import Event, Progress
from app.library import Library
from app.memory_home import MemoryHome
from app.metrics import normalised_answer
from app.recollection import Recalled, RecalledTurn, Recollector
from app.shown_memories import shown_memories
from app.turn_texts import shown_turn
from memory.importance import importance
from memory.threads import Turn
from memory.turn_keys import turn_keys
from reader.contract import Reader
from reader.remembering import central_sentence
from retrieval.hits import Float32

__all__ = ["Latest", "evaluate_scm"]

SIDES: Final = ("controller_on", "controller_off")
BEGAN: Final = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""The dialogues have no dates; each turn is taken to be a minute after the one before."""


class Latest(Recollector):
    """Memory without its controller: the latest turns, whole, as many as have room."""

    def recall(
        self,
        question: str,
        row: Float32,
        reader: Reader,
        alone: bool = False,
    ) -> Recalled:
        """The same for every question."""
        turns, tokens = list[RecalledTurn](), 0
        for turn in reversed(list(self.stream.all_turns())):
            count = self.count_tokens(shown_turn(turn))
            if tokens + count > self.budget.total:
                break
            tokens += count
            turns.append(RecalledTurn(turn.key, "raw", 0.0))
        return Recalled(True, tuple(reversed(turns)), tokens=tokens, detail=f"the latest {len(turns)} turns")


@dataclass(slots=True)
class _Figures:
    """What probes came to, by side."""

    answered: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    given: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    tokens: dict[str, list[int]] = field(default_factory=lambda: {side: [] for side in SIDES})

    def report(self) -> dict[str, Any]:
        return {
            "probes": len(self.answered[SIDES[0]]),
            "token_recall": {side: mean(each) for side, each in self.answered.items()},
            "given_recall": {side: mean(each) for side, each in self.given.items()},
            "tokens_per_question": {side: mean(each) for side, each in self.tokens.items()},
        }


def evaluate_scm(dialogues: Path, probes: Path, library: Library, progress: Progress) -> dict[str, Any]:
    """Keep each dialogue as a user's memory, ask its probes, and return DESIGN's report.

    `token_recall` is of the answers; `given_recall` of the turns that were given to the reader.

    Raises:
        EvaluationError: If one of the files is none, or a probe is about no dialogue of the other.
    """
    kept = {each.id: each for each in load_dialogues(dialogues)}
    asked = load_probes(probes)
    for probe in asked:
        if probe.id not in kept:
            raise EvaluationError(f"The probe {probe.question_id} is about {probe.id}, which is not there.")
    moment = BEGAN + timedelta(days=7)
    memories = {SIDES[0]: library.memory.at(moment), SIDES[1]: library.memory.at(moment, Latest)}
    overall, by_mode = _Figures(), dict[str, _Figures]()
    for name in dict.fromkeys(probe.id for probe in asked):
        progress(Event("encode", name))
        _keep(kept[name], memories[SIDES[0]])
    for done, probe in enumerate(asked):
        progress(Event("question", probe.id, done, len(asked)))
        for side, library.memory in memories.items():
            figures = (overall, by_mode.setdefault(probe.mode, _Figures()))
            _ask(probe, side, library, figures, progress)
    progress(Event("done", ""))
    return {**overall.report(), "by_mode": {mode: by_mode[mode].report() for mode in sorted(by_mode)}}


def _keep(dialogue: Dialogue, memory: MemoryHome) -> None:
    """Keep a dialogue as one thread of a user."""
    stream = memory.stream(dialogue.id)
    for n, (said, answered) in enumerate(dialogue.exchanges()):
        turn = Turn(
            run=uuid.uuid4().hex,
            question=said,
            answer=answered,
            abstained=False,
            asked_at=BEGAN + timedelta(minutes=n),
            seconds=0.0,
            question_summary=central_sentence(said),
            answer_summary=central_sentence(answered),
            importance=importance(said),
        )
        stream.append("dialogue", turn, memory.encode(turn_keys(turn)))


def _ask(probe: Probe, side: str, library: Library, figures: Iterable[_Figures], progress: Progress) -> None:
    """Measure what memory gives for a probe, and what is answered from it."""
    recollector = library.memory.recollector(probe.id)
    reader = library.backends.reader.for_job("eval scm", progress)
    row = library.memory.encode([probe.question])[0]
    recalled = recollector.recall(probe.question, row, reader, alone=not library.documents())
    forms = {each.key: each.form for each in recalled.turns}
    shown = [each.text for each in shown_memories(recollector, forms, recalled.facts, None)]
    speaker = library.for_user(probe.id)
    speaker.memory = library.memory
    answer = speaker.ask(probe.question)
    answered = _recall(probe.answer, "" if answer.abstained else answer.text)
    for each in figures:
        each.answered[side].append(answered)
        each.given[side].append(_recall(probe.answer, " ".join(shown)))
        each.tokens[side].append(sum(map(recollector.count_tokens, shown)))


def _recall(gold: str, text: str) -> float:
    """The share of the gold tokens that a text has, each as often as it stands there."""
    wanted, found = (Counter(normalised_answer(each).split()) for each in (gold, text))
    return sum((wanted & found).values()) / max(sum(wanted.values()), 1)
