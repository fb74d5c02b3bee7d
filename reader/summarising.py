"""How a language model is asked for a summary, and asked again if what it wrote cannot be used.

As in BooookScore (arXiv 2310.00785) a summary that is over its limit or cut mid-sentence is asked for again,
here also one that is empty, copied or too short, twice at most; what stays wrong is marked. A text that does
not fit into the window is summarised in groups of parts, and these summaries once more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from reader.chat import ChatModel, Completion, Finish, Message, Request
from reader.contract import SummaryPart, WrittenSummary
from reader.decisions import THINKING_TOKENS
from reader.errors import WindowError
from reader.lengths import count_words
from reader.packing import asked_of, most_that_fit
from reader.prompts import render
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.sentences import pieces, split_sentences

__all__ = ["SUMMARY_VERSION", "written_summary"]

SUMMARY_VERSION: Final = 1
"""Raised when a summary is asked for in another way: stored ones of an older version are made again."""

AGAIN: Final = 2
"""How often a summary that cannot be used is asked for again."""
TOLERANCE: Final = 0.15
"""Share of the length asked for by which a summary may miss it."""
GRAM: Final = 8
MOST_COPIED: Final = 0.5
"""Share of a summary's runs of 8 words that may stand in the prompt. Of 100 summaries that people wrote for
squality's development set none shares more than 1.2 % with its story; above a half it is no summary."""
TOKENS_PER_WORD: Final = 2
FEWEST_WORDS: Final = 20

_WORD: Final = re.compile(r"\w+")
_END: Final = re.compile(r"[.!?…。！？।؟][\"'”’»」』)\]*_]*$")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A reply, what is wrong with it, and how bad that is; 0 is nothing."""

    text: str
    problem: str = ""
    badness: int = 0


def written_summary(
    model: ChatModel, parts: Sequence[SummaryPart], words: int, background: str = "", at_least: int = 0
) -> WrittenSummary:
    """Let a model write a summary.

    Raises:
        WindowError: If not even one part fits into the window, cut as small as can be.
    """
    for _ in range(2):
        window = model.window
        try:
            return _merged(model, parts, words, background, at_least)
        except WindowError:
            if model.window >= window:
                raise
    raise WindowError(f"The window of {model.name} changes with every request.", model.window)


def _merged(
    model: ChatModel, parts: Sequence[SummaryPart], words: int, background: str, at_least: int
) -> WrittenSummary:
    """A summary of parts, of groups of them first if they do not fit together."""
    notes: tuple[str, ...] = ()
    while not _fits(model, parts, words, background, at_least):
        # Two summaries must fit into the next prompt, or merging would never end.
        spare = model.window - model.prompt_tokens(_messages([], words, background, at_least))
        shorter = min(words, spare // (4 * TOKENS_PER_WORD))
        if shorter < FEWEST_WORDS:
            raise WindowError(
                f"The window of {model.name} ({model.window:,} tokens) has no room for a text to summarise.",
                model.window,
            )
        groups = _groups(model, _cut(model, parts, shorter), shorter)
        summaries = [_asked(model, group, shorter, "", 0) for group in groups]
        notes += tuple(note for each in summaries for note in each.notes)
        merged = [
            replace(group[0], sentences=each.sentences) for group, each in zip(groups, summaries, strict=True)
        ]
        if sum(map(_characters, merged)) >= sum(map(_characters, parts)):
            raise WindowError(f"Summaries by {model.name} are no shorter than their texts.", model.window)
        parts = merged
    written = _asked(model, parts, words, background, at_least)
    return replace(written, notes=tuple(dict.fromkeys((*notes, *written.notes))))


def _groups(model: ChatModel, parts: Sequence[SummaryPart], words: int) -> list[list[SummaryPart]]:
    """Consecutive parts that fit together, as many as can be; each fits alone."""
    groups: list[list[SummaryPart]] = []
    rest = list(parts)
    while rest:
        count = _most_parts(model, rest, words)
        groups.append(rest[:count])
        rest = rest[count:]
    return groups


def _most_parts(model: ChatModel, parts: Sequence[SummaryPart], words: int) -> int:
    return max(most_that_fit(len(parts), lambda k: k < 2 or _fits(model, parts[:k], words, "", 0)), 1)


def _cut(model: ChatModel, parts: Sequence[SummaryPart], words: int) -> list[SummaryPart]:
    """The parts, those that do not fit alone cut at sentences; nothing is left out."""
    whole: list[SummaryPart] = []
    for part in parts:
        if _fits(model, [part], words, "", 0):
            whole.append(part)
            continue
        rest = list(part.sentences)
        while rest:
            count = _most_sentences(model, part, rest, words)
            if count:
                whole.append(replace(part, sentences=tuple(rest[:count])))
                rest = rest[count:]
                continue
            shorter = len(rest[0]) // 2
            if shorter < FEWEST_WORDS:
                text = f"Not even a sentence fits into the window of {model.name} ({model.window:,} tokens)."
                raise WindowError(text, model.window)
            halves = pieces(rest[0], Span(0, len(rest[0])), shorter)
            rest[:1] = [rest[0][each.start : each.end] for each in halves]
    return whole


def _most_sentences(model: ChatModel, part: SummaryPart, sentences: Sequence[str], words: int) -> int:
    def fits(count: int) -> bool:
        return count == 0 or _fits(model, [replace(part, sentences=tuple(sentences[:count]))], words, "", 0)

    return most_that_fit(len(sentences), fits)


def _messages(
    parts: Sequence[SummaryPart], words: int, background: str, at_least: int
) -> tuple[Message, ...]:
    shown = [{"title": part.title, "text": " ".join(part.sentences)} for part in parts]
    return tuple(
        asked_of(render("summarise", parts=shown, background=background, words=words, at_least=at_least))
    )


def _fits(model: ChatModel, parts: Sequence[SummaryPart], words: int, background: str, at_least: int) -> bool:
    """Whether parts fit with a reply, and with that reply being asked for again."""
    tokens = model.prompt_tokens(_messages(parts, words, background, at_least))
    return tokens + 2 * _reply_tokens(words) + 100 <= model.window


def _reply_tokens(words: int) -> int:
    # More than it may have: a summary that is a little too long comes back whole and is cut at a sentence.
    return 3 * max(words, FEWEST_WORDS) * TOKENS_PER_WORD // 2


def _asked(
    model: ChatModel, parts: Sequence[SummaryPart], words: int, background: str, at_least: int
) -> WrittenSummary:
    """One summary of parts that fit."""
    messages = _messages(parts, words, background, at_least)
    source = " ".join(sentence for part in parts for sentence in part.sentences)
    at_least = min(at_least, count_words(source) // 2)
    best: _Attempt | None = None
    asked = messages
    for _ in range(1 + AGAIN):
        completion = _reply(model, asked, _reply_tokens(words))
        attempt = _judged(completion, parts, source, words, at_least)
        if best is None or attempt.badness < best.badness:
            best = attempt
        if not attempt.badness:
            break
        asked = (
            *messages,
            Message("assistant", attempt.text or "-"),
            Message("user", render("summarise_again", problem=attempt.problem, words=words)),
        )
    assert best is not None
    return _kept(best, parts, words)


def _reply(model: ChatModel, messages: Sequence[Message], tokens: int) -> Completion:
    completion = model.complete(Request(tuple(messages), max_tokens=tokens))
    if completion.finish is Finish.LENGTH and not completion.text.strip():
        # All of it was reasoning, and there may be room for the model to come to its end.
        more = min(tokens + THINKING_TOKENS, model.window - model.prompt_tokens(messages))
        if more > tokens:
            completion = model.complete(Request(tuple(messages), max_tokens=more))
    return completion


def _judged(
    completion: Completion, parts: Sequence[SummaryPart], source: str, words: int, at_least: int
) -> _Attempt:
    """A reply with the worst of what is wrong with it."""
    text = flat(completion.text)
    length = count_words(text)
    if not _WORD.search(text):
        return _Attempt("", "it is empty", 4)
    if length < count_words(source) and _copied(text, parts) > MOST_COPIED:
        return _Attempt(text, "it is mostly copied word for word from the prompt", 3)
    if completion.finish is Finish.LENGTH or not _END.search(text):
        return _Attempt(text, "it is cut off in the middle of a sentence", 2)
    if length > words * (1 + TOLERANCE):
        return _Attempt(text, f"it has {length} words, and at most {words} were asked for", 1)
    if length < at_least * (1 - TOLERANCE):
        return _Attempt(text, f"it has {length} words, and at least {at_least} were asked for", 1)
    return _Attempt(text)


def _copied(text: str, parts: Sequence[SummaryPart]) -> float:
    """Share of the runs of 8 words of a text that are copied; 0 for a text of fewer words.

    A run is copied if it stands in what was asked, or in one of the parts alone: what several parts say in
    the same words may be said once more.
    """
    runs = _runs(text)
    wanted = set(runs)
    copied = wanted & _asked_runs()
    holders = Counter(run for part in parts for run in wanted & set(_runs(" ".join(part.sentences))))
    copied |= {run for run, count in holders.items() if count == 1}
    return sum(run in copied for run in runs) / len(runs) if runs else 0.0


@cache
def _asked_runs() -> frozenset[tuple[str, ...]]:
    """Of the instructions."""
    return frozenset(_runs(render("summarise", parts=[], background="", words=0, at_least=1)))


def _runs(text: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return [tuple(words[n : n + GRAM]) for n in range(len(words) - GRAM + 1)]


def _kept(attempt: _Attempt, parts: Sequence[SummaryPart], words: int) -> WrittenSummary:
    """What is kept of the best reply: whole sentences within the limit where it has them."""
    if not attempt.text:
        first = next(sentence for part in parts for sentence in part.sentences)
        note = "the model wrote nothing; this is the text's first sentence"
        return WrittenSummary((flat(first),), None, (note,))
    sentences = [attempt.text[span.start : span.end] for span in split_sentences(attempt.text)]
    if attempt.badness == 0:
        return WrittenSummary(tuple(sentences), None)
    if len(sentences) > 1 and not _END.search(sentences[-1]):
        sentences.pop()
    while len(sentences) > 1 and sum(map(count_words, sentences)) > words * (1 + TOLERANCE):
        sentences.pop()
    return WrittenSummary(tuple(sentences), None, (attempt.problem.replace("it ", "the summary ", 1),))


def _characters(part: SummaryPart) -> int:
    return sum(map(len, part.sentences))
