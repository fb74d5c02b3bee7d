"""How a language model is asked for a summary, and asked again if what it wrote cannot be used.

As in BooookScore (arXiv 2310.00785) a summary that is over its limit or cut mid-sentence is asked for again,
here also one that is empty, refused, copied or too short, twice at most; what stays wrong is marked. A text
that does not fit into the window is summarised in groups of parts, and these summaries once more. What a
model will not or cannot summarise at all is stood for by central sentences of the text, and marked: one page
must not sink a book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from reader.central import central_summary
from reader.chat import ChatModel, Completion, Finish, Message, Request
from reader.contract import SummaryPart, WrittenSummary
from reader.decisions import THINKING_TOKENS
from reader.errors import InvalidReplyError, RequestRefusedError, WindowError
from reader.lengths import count_words
from reader.packing import asked_of, most_that_fit
from reader.prompts import render
from reader.summary_faults import TOLERANCE, Attempt, ends_whole, judged
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.sentences import pieces, split_sentences

__all__ = ["SUMMARY_VERSION", "written_summary"]

SUMMARY_VERSION: Final = 2
"""Raised when a summary is asked for in another way: stored ones of an older version are made again."""

AGAIN: Final = 2
"""How often a summary that cannot be used is asked for again."""
TOKENS_PER_WORD: Final = 2
FEWEST_WORDS: Final = 20
HARMLESS: Final = SummaryPart(("The keeper painted his boat red.",), np.empty((0, 0), np.float32))
"""What is asked for when a text was refused, to know if anything is taken."""


def written_summary(
    model: ChatModel, parts: Sequence[SummaryPart], words: int, background: str = "", at_least: int = 0
) -> WrittenSummary:
    """Let a model write a summary; where it refuses these very parts, central sentences of them, with a note.

    Raises:
        WindowError: If the window has no room for any text.
        RequestRefusedError: If the endpoint refuses every request.
        ModelError: If the model cannot be asked.
    """
    try:
        for _ in range(2):
            window = model.window
            try:
                return _merged(model, parts, words, background, at_least)
            except WindowError:
                if model.window >= window:
                    raise
        raise WindowError(f"The window of {model.name} changes with every request.", model.window)
    except WindowError as error:
        if _room(model, words) < FEWEST_WORDS:
            raise
        return _substitute(parts, words, str(error))
    except InvalidReplyError as error:
        return _substitute(parts, words, str(error))
    except RequestRefusedError as error:
        _reply(model, _messages([HARMLESS], FEWEST_WORDS, "", 0), _reply_tokens(FEWEST_WORDS))
        return _substitute(parts, words, str(error))


def _substitute(parts: Sequence[SummaryPart], words: int, reason: str) -> WrittenSummary:
    """Central sentences of the parts, by their words alone where they have no embeddings."""
    rows = [
        part.rows if len(part.rows) == len(part.sentences) else np.zeros((len(part.sentences), 1), np.float32)
        for part in parts
    ]
    if len({each.shape[1] for each in rows}) > 1:
        rows = [np.zeros((len(each), 1), np.float32) for each in rows]
    bare = [replace(part, rows=each) for part, each in zip(parts, rows, strict=True)]
    taken = central_summary(bare, words, spread=len(parts) > 1)
    note = f"sentences of the text stand for a summary by the model: {reason.rstrip('.')}"
    return WrittenSummary(tuple(flat(each) for each in taken.sentences), None, (note,))


def _merged(
    model: ChatModel, parts: Sequence[SummaryPart], words: int, background: str, at_least: int
) -> WrittenSummary:
    """A summary of parts, of groups of them first if they do not fit together."""
    notes: tuple[str, ...] = ()
    while not _fits(model, parts, words, background, at_least):
        # Two summaries must fit into the next prompt, or merging would never end.
        shorter = _room(model, words, background, at_least)
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


def _room(model: ChatModel, words: int, background: str = "", at_least: int = 0) -> int:
    """Words of a summary of which two fit into a prompt for the next one."""
    spare = model.window - model.prompt_tokens(_messages([], words, background, at_least))
    return min(words, spare // (4 * TOKENS_PER_WORD))


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
    best: Attempt | None = None
    asked = messages
    for _ in range(1 + AGAIN):
        completion = _reply(model, asked, _reply_tokens(words))
        attempt = judged(completion, parts, source, words, at_least)
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


def _kept(attempt: Attempt, parts: Sequence[SummaryPart], words: int) -> WrittenSummary:
    """What is kept of the best reply: whole sentences within the limit where it has them."""
    if not attempt.text:
        return _substitute(parts, words, attempt.problem.replace("it is", "what it wrote is", 1))
    sentences = [attempt.text[span.start : span.end] for span in split_sentences(attempt.text)]
    if attempt.badness == 0:
        return WrittenSummary(tuple(sentences), None)
    if len(sentences) > 1 and not ends_whole(sentences[-1]):
        sentences.pop()
    while len(sentences) > 1 and sum(map(count_words, sentences)) > words * (1 + TOLERANCE):
        sentences.pop()
    return WrittenSummary(tuple(sentences), None, (attempt.problem.replace("it ", "the summary ", 1),))


def _characters(part: SummaryPart) -> int:
    return sum(map(len, part.sentences))
