"""What of the documents the reader saw for an answer, as its turn keeps it.

A model cites what it likes; what else it was shown may have told it what it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from app.agent.context import AgentContext
from app.agent.state import AgentState

__all__ = ["HISTORY", "seen_places"]

HISTORY: Final = 4
"""Turns before in a thread that a question may refer to."""


def seen_places(state: AgentState, context: AgentContext) -> list[dict[str, object]] | None:
    """Of each version of a document that the reader has seen, how far: "document", "version" and "end".

    A walk and a look into all parts see the whole of a document. Earlier answers that were shown have seen
    what theirs have; None if that is not known of one of them.
    """
    whole = state.get("route") != "search"
    ends: dict[tuple[str, str], int] = {}

    def saw(document: str, version: str, end: int) -> None:
        ends[document, version] = max(end, ends.get((document, version), 0))

    for each in [*state.get("evidence", []), *state.get("passages", [])]:
        record = context.documents.get(each["document"])
        if record is not None:
            saw(record.id, record.content_hash, record.characters if whole else each["end"])
    for details in _answers_shown(state, context):
        if "citations" not in details:
            continue  # imported: it was answered from something else
        places = details.get("shown")
        if not isinstance(places, list):
            return None
        for place in places:
            match place:
                case {"document": str(document), "version": str(version), "end": int(end)}:
                    saw(document, version, end)
                case _:
                    return None
    return [{"document": id, "version": version, "end": end} for (id, version), end in sorted(ends.items())]


def _answers_shown(state: AgentState, context: AgentContext) -> Iterator[Mapping[str, object]]:
    """What the earlier answers rest on that the reader was, or may have been, shown."""
    details: list[Mapping[str, object]] = []
    if context.thread is not None:
        details += [turn.details for turn in context.threads.turns(context.thread, HISTORY)]
    if context.memory is not None:
        recalled = [each["turn"] for each in state["memory"]["turns"]] if "memory" in state else []
        known = [*state.get("evidence", []), *state.get("passages", [])]
        cited = [-each["document"] for each in known if each["document"] < 0]
        details += context.memory.stream.details(sorted({*recalled, *cited}))
    for each in details:
        if context.reading is None or not context.reading.hides(each):
            yield each
