"""Turns of a thread as pages show them and as they are exported: with what they cite, read again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from app.shown_answers import ShownAnswer, ShownCitation, ShownTurn
from memory.cited_places import CitedPlaces, CitedTurn
from memory.threads import Turn
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.evidence import MemoryOrigin
from retrieval.verify import Verdict

__all__ = ["copied_answer", "shown_turns", "thread_markdown"]

_MARKS: Final = re.compile(
    r"([\\`*_{}\[\]()<>#!|~$^&@]"
    r"|(?<=\bwww)\.|(?<=\bftp)\.|:(?=//)|:(?=[a-z0-9_+-]+:)"
    r"|^[-+=](?=\s|$|[-=])|(?<=^\d)[.]|(?<=^\d\d)[.]|^:)",
    re.IGNORECASE,
)
"""What may mean something in some Markdown: marks, the beginnings of addresses, of lists and of rules."""


def shown_turns(
    turns: Sequence[Turn],
    kept: Mapping[str, ShownAnswer],
    places: CitedPlaces,
) -> list[ShownTurn]:
    """Turns with their answers.

    Args:
        turns: In their order.
        kept: Answers as they were given, by the runs of their turns.
        places: Reads what they cite.
    """
    return [
        ShownTurn(turn.ordinal, turn.question, turn.asked_at, _answer(turn, kept.get(turn.run), places))
        for turn in turns
    ]


def thread_markdown(thread: str, turns: Sequence[ShownTurn]) -> str:
    """A thread as Markdown in which nothing that was said or read means anything but itself."""
    lines = [f"# {escaped(thread)}", ""]
    for turn in turns:
        lines += [f"## {escaped(turn.question)}", "", f"*{turn.asked_at:%Y-%m-%d %H:%M} UTC*", ""]
        lines += [f"{escaped(part)}\n" for part in turn.answer.text.splitlines() if part.strip()]
        for each in turn.answer.citations:
            lines.append(f"{each.n}. {escaped(_place(each))}")
            if each.quote:
                lines.append(f"   > {escaped(flat(each.quote))}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def copied_answer(answer: ShownAnswer) -> str:
    """An answer with its citations, as plain text."""
    cited = [f"[{each.n}] {_place(each)}: “{flat(each.quote)}”" for each in answer.citations]
    return "\n".join([answer.text, *([""] if cited else []), *cited])


def escaped(text: str) -> str:
    """A text in which no Markdown, HTML or bare address has a meaning, on one line."""
    return _MARKS.sub(r"\\\1", flat(text))


def _place(citation: ShownCitation) -> str:
    page = f"page {citation.page}" if citation.page is not None else ""
    thread = f"thread {citation.thread}" if citation.origin == "memory" else ""
    place = ", ".join(part for part in (citation.title, citation.section, page, thread) if part)
    return place or "a document that has been removed"


def _answer(turn: Turn, kept: ShownAnswer | None, places: CitedPlaces) -> ShownAnswer:
    details = turn.details
    citations = tuple(_citations(turn, places))
    if kept is not None and kept.text == turn.answer:
        given = {each.n: each for each in kept.citations}
        citations = tuple(_as_given(each, given.get(each.n)) for each in citations)
        return replace(kept, citations=citations, ordinal=turn.ordinal)
    return ShownAnswer(
        text=turn.answer,
        abstained=turn.abstained,
        route="",
        model=_text(details.get("model")),
        seconds=turn.seconds,
        prompt_tokens=_number(details.get("prompt_tokens")),
        completion_tokens=_number(details.get("completion_tokens")),
        citations=citations,
        ordinal=turn.ordinal,
    )


def _as_given(now: ShownCitation, given: ShownCitation | None) -> ShownCitation:
    """What is read again, with what is known of it only from when it was cited; gone quotes stay gone."""
    if given is None:
        return now
    return replace(now, score=given.score, verdict=given.verdict if now.quote else now.verdict)


def _citations(turn: Turn, places: CitedPlaces) -> Iterator[ShownCitation]:
    found = turn.details.get("citations")
    shown = turn.details.get("shown")
    versions = {
        str(each["document"]): str(each["version"])
        for each in (shown if isinstance(shown, list) else [])
        if isinstance(each, dict) and "document" in each and "version" in each
    }
    for n, each in enumerate(found if isinstance(found, list) else [], start=1):
        match each:
            case {"document": str(document), "start": int(start), "end": int(end)}:
                yield _of_document(n, document, Span(start, end), places, versions)
            case {
                "thread": str(thread),
                "turn": int(ordinal),
                "side": "question" | "answer" as side,
                "start": int(start),
                "end": int(end),
            }:
                place = places.turn(thread, ordinal, side, Span(start, end), _text(each.get("run")))
                yield _of_turn(n, thread, ordinal, side, Span(start, end), place)
            case _:
                yield ShownCitation(n, "document", "", "", "", None, 0, 0, "", Verdict.DROPPED)


def _of_document(
    n: int, document: str, span: Span, places: CitedPlaces, versions: Mapping[str, str]
) -> ShownCitation:
    place = places.document(document, span, versions)
    quote = place.quote if place is not None else ""
    return ShownCitation(
        n=n,
        origin="document",
        document=document,
        title=place.title if place is not None else "",
        section=" / ".join(place.sections) if place is not None else "",
        page=place.page if place is not None else None,
        start=span.start,
        end=span.end,
        quote=quote,
        verdict=(Verdict.VERIFIED if quote else Verdict.DROPPED).value,
    )


def _of_turn(
    n: int,
    thread: str,
    ordinal: int,
    side: Literal["question", "answer"],
    span: Span,
    place: CitedTurn | None,
) -> ShownCitation:
    quote = place.quote if place is not None else ""
    title = ""
    if place is not None:
        title = MemoryOrigin(thread, ordinal, side, place.speaker, place.at.astimezone(), span).title
    return ShownCitation(
        n=n,
        origin="memory",
        document="",
        title=title,
        section="",
        page=None,
        start=span.start,
        end=span.end,
        quote=quote,
        verdict=(Verdict.VERIFIED if quote else Verdict.DROPPED).value,
        thread=thread,
        turn=ordinal,
        side=side,
        at=place.at if place is not None else None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
