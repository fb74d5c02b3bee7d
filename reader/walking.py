"""The decisions of a walk down a summary tree (MemWalker, arXiv 2310.05029): triage, leaf, route.

The paper's leaf action either answers or is -1; here it commits or reverts, and the answer is written later
from all the leaves that were committed to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar, get_args

from reader.chat import ChatModel, Message
from reader.contract import LeafReading, Route, RouteChoice, Triage, TriageOption
from reader.decisions import choose
from reader.errors import InvalidReplyError, WindowError
from reader.packing import FORM_TOKENS, REPAIR_TOKENS, asked_of, most_that_fit
from reader.prompts import render
from reader.rules import held_words
from retrieval.chunking import flat
from retrieval.evidence import ScoredCandidate
from retrieval.sentences import split_sentences

__all__ = [
    "first_sentences",
    "last_sentences",
    "model_leaf",
    "model_route",
    "model_triage",
    "scored_triage",
]

NOTES_SHARE: Final = 4
"""Where not everything fits, working memory takes at most one part in so many of the window."""

Read = TypeVar("Read")


def model_triage(
    model: ChatModel, question: str, options: Sequence[TriageOption], notes: str, reason: bool
) -> Triage:
    """Let a model choose a child; summaries that do not fit are shortened at sentence ends, and it is said.

    Raises:
        InvalidReplyError: If it names none of them even after a repair.
        WindowError: If not even the titles fit.
    """
    longest = max(len(option.summary) for option in options)
    numbers = [str(n) for n in range(1, len(options) + 1)]

    def read() -> Triage:
        def messages(characters: int, kept: str) -> list[Message]:
            shown = [
                {
                    "title": option.title,
                    "score": f"{option.score:.2f}",
                    "summary": first_sentences(option.summary, characters),
                }
                for option in options
            ]
            return asked_of(render("triage", question=question, options=shown, notes=kept))

        kept, characters = _packed(model, notes, longest, messages)
        decided = choose(model, messages(characters, kept), numbers, reason=reason)
        short = sum(len(option.summary) > characters for option in options)
        said = [f"{short} of {len(options)} summaries shortened"] if short else []
        said += ["working memory shortened"] if kept != notes else []
        note = f"{', '.join(said)}: the window is full" if said else ""
        return Triage(int(decided.value) - 1, decided.reason, decided.invalid, note)

    return _repacked(model, read)


def model_leaf(
    model: ChatModel, question: str, leaf: Sequence[ScoredCandidate], notes: str, reason: bool
) -> LeafReading:
    """Let a model say whether a leaf holds the answer; of one that is too long, its best sentences.

    Raises:
        InvalidReplyError: If it says neither even after a repair.
        WindowError: If not even one sentence fits.
    """
    best = sorted(range(len(leaf)), key=lambda n: -leaf[n].score)

    def read() -> LeafReading:
        def messages(count: int, kept: str) -> list[Message]:
            text = " ".join(flat(leaf[n].candidate.text) for n in sorted(best[:count]))
            return asked_of(render("leaf", question=question, text=text, notes=kept))

        kept, count = _packed(model, notes, len(best), messages)
        decided = choose(model, messages(count, kept), ["commit", "revert"], reason=reason)
        said = [f"{count} of {len(leaf)} sentences shown"] if count < len(leaf) else []
        said += ["working memory shortened"] if kept != notes else []
        note = f"{', '.join(said)}: the window is full" if said else ""
        return LeafReading(decided.value == "commit", decided.reason, decided.invalid, note)

    return _repacked(model, read)


def model_route(model: ChatModel, question: str, suggested: RouteChoice, reason: bool) -> RouteChoice:
    """Let a model choose a route; an invalid reply leaves what was suggested."""
    prompt = render("route", question=question, suggested=suggested.route)
    routes: tuple[Route, ...] = get_args(Route)
    try:
        decided = choose(model, asked_of(prompt), routes, reason=reason)
    except InvalidReplyError:
        return suggested
    chosen = next(route for route in routes if route == decided.value)
    if chosen == suggested.route:
        return RouteChoice(chosen, f"{suggested.reason}, and the reader agrees")
    return RouteChoice(chosen, flat(decided.reason) or f"{model.name} says so")


def scored_triage(question: str, options: Sequence[TriageOption]) -> Triage:
    """The option with the best retrieval score, and of equal ones that with most of the question's words."""
    held = held_words(question, [f"{option.title} {option.summary}" for option in options])
    chosen = max(range(len(options)), key=lambda n: (round(options[n].score, 6), held[n], -n))
    return Triage(chosen, "the best search score" if options[chosen].score else "most of the words")


def first_sentences(text: str, characters: int) -> str:
    """As many whole sentences from the beginning as fit, none if the first is longer."""
    if len(text) <= characters:
        return text
    ends = [span.end for span in split_sentences(text) if span.end <= characters]
    return text[: ends[-1]].rstrip() if ends else ""


def last_sentences(text: str, characters: int) -> str:
    """As many whole sentences up to the end as fit, none if the last is longer."""
    if len(text) <= characters:
        return text
    starts = [span.start for span in split_sentences(text) if len(text) - span.start <= characters]
    return text[starts[0] :].lstrip() if starts else ""


def _packed(
    model: ChatModel, notes: str, most: int, messages: Callable[[int, str], list[Message]]
) -> tuple[str, int]:
    """The notes and how much of the rest a prompt has room for.

    Raises:
        WindowError: If it has none for anything.
    """
    room = model.window - FORM_TOKENS - REPAIR_TOKENS

    def fits(count: int, kept: str) -> bool:
        return model.prompt_tokens(messages(count, kept)) <= room

    if fits(most, notes):
        return notes, most
    few = most_that_fit(
        len(notes), lambda k: model.count_tokens(last_sentences(notes, k)) <= room // NOTES_SHARE
    )
    for kept in dict.fromkeys((last_sentences(notes, few), "")):
        count = most_that_fit(most, lambda k, kept=kept: fits(k, kept))  # type: ignore[misc]
        if count:
            return kept, count
    raise WindowError(
        f"The window of {model.name} has {model.window} tokens, too few to walk with; "
        "set CLEW_WINDOW if it has more.",
        model.window,
    )


def _repacked(model: ChatModel, read: Callable[[], Read]) -> Read:
    """What is read; packed once more where the server has told that its window is smaller."""
    window = model.window
    try:
        return read()
    except WindowError:
        if model.window >= window:
            raise
    return read()
