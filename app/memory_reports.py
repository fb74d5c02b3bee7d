"""Memory as the command line shows it: the JSON, and lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from rich.text import Text

from app.display import printable
from app.forgetting import ForgetReport
from app.memories import MemoryReport
from memory.elsewhere import Elsewhere
from memory.facts import Fact
from memory.long_term import Noted
from memory.stream import StreamTurn

__all__ = [
    "fact_json",
    "fact_lines",
    "forgotten_json",
    "forgotten_lines",
    "noted_json",
    "report_json",
    "report_lines",
    "turn_json",
    "turn_line",
]

SHOWN: Final = 160
"""Characters of a turn in a list."""
NAMED: Final = 5
"""Turns that are named at most."""
PLACES: Final[dict[Elsewhere, str]] = {
    "memory": "were said elsewhere too",
    "answers": "other answers hold",
    "documents": "documents hold",
    "jobs": "jobs hold that go on",
}


def fact_json(fact: Fact) -> dict[str, Any]:
    """A fact with everything that is stored of it."""
    return {
        "id": fact.id,
        "text": fact.text,
        "quote": fact.quote,
        "thread": fact.thread,
        "ordinal": fact.ordinal,
        "asked_at": fact.asked_at.isoformat(),
        "asserted_by": fact.asserted_by,
        "state": fact.state,
        "confidence": fact.confidence,
        "strength": fact.strength,
        "valid_from": fact.valid_from.isoformat(),
        "invalid_at": fact.invalid_at.isoformat() if fact.invalid_at else None,
        "replaced_by": fact.replaced_by,
    }


def turn_json(turn: StreamTurn, score: float) -> dict[str, Any]:
    """A turn that a search has found."""
    return {
        "thread": turn.thread,
        "ordinal": turn.ordinal,
        "speaker": turn.speaker,
        "question": turn.question,
        "answer": turn.answer,
        "asked_at": turn.asked_at.isoformat(),
        "score": round(score, 4),
    }


def noted_json(noted: Noted) -> dict[str, Any]:
    """What became of an assertion."""
    return {"outcome": noted.outcome, "fact": fact_json(noted.fact), "closed": list(noted.closed)}


def report_json(user: str, report: MemoryReport) -> dict[str, Any]:
    """The state of a memory."""
    return {
        "user": user,
        "counts": asdict(report.counts),
        "inbox": [fact_json(fact) for fact in report.inbox],
        "duplicates": [[one.id, other.id] for one, other in report.duplicates],
        "stale": [fact.id for fact in report.stale],
        "stale_days": report.stale_days,
    }


def fact_lines(fact: Fact) -> list[Text]:
    """A fact with its quote, who said it where and when, and since when it is true."""
    until = f" until {_day(fact.invalid_at)}" if fact.invalid_at else ""
    since = f"since {_day(fact.valid_from)}{until}"
    state = {"waiting": "waiting"}.get(fact.state, "closed" if fact.invalid_at else "kept")
    style = {"waiting": "yellow", "closed": "dim", "kept": "green"}[state]
    said = f"{printable(fact.asserted_by)}, {_day(fact.asked_at)}"
    said += f", {printable(fact.thread)} {fact.ordinal}"
    said += f", said {fact.strength} times" if fact.strength > 1 else ""
    said += f", replaced by {fact.replaced_by}" if fact.replaced_by else ""
    return [
        Text.assemble((f"{fact.id}  ", "cyan"), (f"{state:<8}", style), printable(fact.text), f"  ({since})"),
        Text(f"        “{printable(fact.quote)}”  {said}", style="dim"),
    ]


def _day(moment: datetime) -> str:
    """The day where the user is, as in citations."""
    return f"{moment.astimezone():%Y-%m-%d}"


def turn_line(turn: StreamTurn) -> Text:
    """A turn, shortened."""
    said = printable(turn.question)
    shown = said if len(said) <= SHOWN else f"{said[:SHOWN]}…"
    who = f"{printable(turn.speaker)}: " if turn.speaker else ""
    place = f"{printable(turn.thread)} {turn.ordinal}, {_day(turn.asked_at)}"
    return Text.assemble((f"{place}  ", "cyan"), f"{who}{shown}")


def report_lines(report: MemoryReport) -> list[Text]:
    """The state of a memory, a line for each thing there is to say."""
    counts = report.counts
    lines = [
        f"threads     {counts.threads:,}",
        f"turns       {counts.turns:,}"
        + (f", {counts.unencoded:,} not encoded yet" if counts.unencoded else ""),
        f"facts       {counts.kept:,} kept, {counts.closed:,} closed, {counts.waiting:,} waiting",
        f"size        {counts.text_bytes:,} bytes of text, {counts.vector_bytes:,} of embeddings",
    ]
    lines += _listed("inbox", [f"{fact.id}  {fact.text}" for fact in report.inbox])
    lines += _listed("duplicates", [f"{a.id}  {a.text}  {b.id}  {b.text}" for a, b in report.duplicates])
    lines += _listed("stale", [f"{fact.id}  {fact.text}  {_day(fact.asked_at)}" for fact in report.stale])
    return [Text(printable(line, flatten=False)) for line in lines]


def _listed(name: str, shown: Sequence[str]) -> list[str]:
    if not shown:
        return [f"{name:<12}none"]
    return [f"{name:<12}{len(shown)}", *(f"  {each}" for each in shown)]


def _left(report: ForgetReport) -> str:
    """What the search has shown: something else may say the same."""
    said = [f"{count} that {PLACES[place]}" for place, count in report.elsewhere.items()]
    return f"none is left, but for {', '.join(said)}" if said else "none is left"


def forgotten_json(report: ForgetReport) -> dict[str, Any]:
    """What was forgotten, and what looking for it has shown."""
    return {
        "what": report.what,
        "counts": dict(report.counts),
        "pieces": report.pieces,
        "pieces_of": report.pieces_of,
        "files": report.files,
        "bytes": report.bytes,
        "elsewhere": dict(report.elsewhere),
        "turns": [{"thread": thread, "turn": turn} for thread, turn in report.turns],
        "seconds": round(report.seconds, 3),
    }


def forgotten_lines(report: ForgetReport) -> list[Text]:
    """The same for people."""
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items() if count) or "nothing"
    lines = [
        f"forgotten  {report.what}: {counts}",
        f"           {report.files} files ({report.bytes:,} bytes) searched for {report.pieces} "
        f"pieces of it: {_left(report)}",
    ]
    if report.turns:
        named = [f"turn {turn} of {thread!r}" for thread, turn in report.turns[:NAMED]]
        more = len(report.turns) - len(named)
        lines.append(f"           the same is said in {', '.join(named)}" + f" and {more} more" * (more > 0))
    return [Text(printable(line, flatten=False)) for line in lines]
