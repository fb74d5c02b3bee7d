"""What a reader is shown of earlier conversations besides the evidence: turns, facts, the turn before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.recollection import Recollector
from app.turn_texts import said_when, shown_turn
from memory.controller import Form, extract, flash_text
from memory.facts import Fact
from memory.stream import StreamTurn
from reader.contract import Remembered

__all__ = ["shown_memories"]


def shown_memories(
    memory: Recollector, forms: Mapping[int, Form], facts: Sequence[Fact], thread: str | None
) -> tuple[Remembered, ...]:
    """Turns in the order of time, facts, and the turn before.

    The turn just before in the thread (the flash memory of SCM, arXiv 2304.13343) is there in any case, and
    once: in the form in which it was recalled, else as its own budget allows.

    Args:
        memory: Of the user.
        forms: Of the turns that were recalled, by their keys, in the order of time.
        facts: Those that were recalled, best first.
        thread: Name of the conversation, None outside of one.
    """
    last = memory.stream.threads.turns(thread, last=1) if thread is not None else []
    before = [turn.key for turn in last]
    turns = memory.stream.turns([*(key for key in forms if key not in before), *before])
    shown = [Remembered(said_when(turn), _shown(turn, forms.get(turn.key), memory)) for turn in turns]
    at = len(shown) - sum(turn.key in before for turn in turns)
    said = [Remembered(_asserted(fact), fact.text) for fact in facts]
    return tuple(each for each in (*shown[:at], *said, *shown[at:]) if each.text)


def _shown(turn: StreamTurn, form: Form | None, memory: Recollector) -> str:
    """A turn in the form in which it was recalled, as flash memory without one."""
    raw, brief = shown_turn(turn), shown_turn(turn, "summary")
    match form:
        case None:
            return flash_text(raw, brief, memory.budget, memory.count_tokens)
        case "extract":
            return extract(raw, memory.budget.extract, memory.count_tokens)
        case "summary":
            return brief
        case "raw":
            return raw


def _asserted(fact: Fact) -> str:
    at = fact.asked_at.astimezone()
    return f"a fact that you asserted, {at.day} {at:%B %Y}"
