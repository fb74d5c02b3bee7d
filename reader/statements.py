"""A draft cut into statements, each with what it cites, and put together again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reader.quotes import CITATION, cited_numbers, quoted, unescaped
from retrieval.document import Span
from retrieval.sentences import split_sentences

__all__ = ["NAMED", "Statement", "Written", "cleaned", "statements_of", "written"]

NAMED: Final = re.compile("\x00(\\d+)\x00")
"""Stands in a statement for a citation that is a word of it: "according to [1]"."""

_MARKS: Final = rf"(?:\s{{0,3}}(?:{CITATION.pattern}))+"
_BEHIND_STOP: Final = re.compile(rf"([.!?…。！？][\"”’»')」』*_]*)({_MARKS})(?![ \t]*[a-z])")
_BEFORE: Final = re.compile(rf"(?:\A|(?<=[.!?…]\s))({_MARKS})(?=\s*:?\s+[^\s\da-z])")
_CITED: Final = re.compile(rf"[ \t\u00a0\u202f]*(?:{CITATION.pattern})")
_INTRODUCED: Final = re.compile(
    r"\b(?:according to|evidence|in|from|as|of|by|per|see|both|than|to|with|and|or|while|whereas"
    r"|(?:source|passage|sentence|quote|excerpt|document|text|item|number|piece)s?)\s*\Z",
    re.IGNORECASE,
)
_PREFIX: Final = re.compile(r"\s*(?:(?:[-*•+–]|\d{1,3}[.)])\s+)?(?:\[[ xX]\]\s+)?")
_TABLE_RULE: Final = re.compile(r"\s*\|[\s:|-]*-[\s:|-]*")
_LED_BY: Final = re.compile(r"\s*#{1,6}\s|.*:[\s*_]*\Z|\s*\*\*[^*]+\*\*\s*\Z")
_CLOSING: Final = re.compile(r"[*_)”’»]+(?=\s|\Z)")
_WRAPPED: Final = re.compile(r"(?<=[\w,;])[ \t]*\n(?=[ \t]?[a-z])")
_LINE_ENDS: Final = str.maketrans(
    # What a terminal would act on, or would turn the direction of writing, is no part of an answer.
    dict.fromkeys(map(chr, [*range(9), *range(13, 32), *range(127, 160)]), "")
    | dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "")
    | dict.fromkeys("\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n")
)
MOST_LEADING_WORDS: Final = 15


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a draft.

    Attributes:
        text: Its words, without the citations that only stand behind them.
        cited: What it cites, positions from 0, each once.
        line: Its line in the draft.
        prefix: Bullet or number of its line.
        misled: Whether it cites nothing but evidence that is not there.
        leads: Whether it says nothing itself and leads over to the lines below: a heading, "These are:".
        apart: Whether a blank line stands before its line.
    """

    text: str
    cited: tuple[int, ...]
    line: int
    prefix: str = ""
    leads: bool = False
    apart: bool = False
    misled: bool = False

    @property
    def words(self) -> str:
        """The text without any citation."""
        return NAMED.sub("", self.text)


@dataclass(frozen=True, slots=True)
class Written:
    """Statements as one text, the positions that its [n] stand for, and where each statement is."""

    text: str
    cited: tuple[int, ...]
    spans: tuple[Span, ...]


def cleaned(draft: str) -> str:
    """The draft with plain line ends, none of them within a sentence or a quote."""
    # Prompts escape what comes from documents, and models copy that.
    text = unescaped(draft).translate(_LINE_ENDS).replace("\\[", "[").replace("\\]", "]")
    text = _WRAPPED.sub(" ", text)
    parts, place = [], 0
    for span, _ in quoted(text):
        quote = text[span.start : span.end]
        parts += [text[place : span.start], quote if quote[0] == ">" else quote.replace("\n", " ")]
        place = span.end
    return "".join([*parts, text[place:]])


def statements_of(text: str, count: int) -> tuple[list[Statement], int]:
    """The sentences of a cleaned draft, and how many citations named evidence beyond `count`."""
    found: list[Statement] = []
    made_up, apart = 0, False
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            apart = True
            continue
        if _TABLE_RULE.fullmatch(line) and found and found[-1].line == number - 1:
            head = found[-1]
            found[-1] = Statement(f"{head.text}\n{line}", head.cited, number, leads=True, apart=head.apart)
            continue
        prefix = _PREFIX.match(line)
        start = prefix.end() if prefix else 0
        body = _cited_behind(line[start:])
        spans = [Span(0, len(body))] if body.startswith("|") else _sentences(body)
        for span in spans:
            words, cited, wrong = _read(body[span.start : span.end], count)
            made_up += wrong
            if any(c.isalnum() for c in NAMED.sub("", words)):
                few = len(words.split()) <= MOST_LEADING_WORDS
                leads = few and not cited and span == spans[-1] and bool(_LED_BY.match(body))
                found.append(
                    Statement(words, cited, number, line[:start], leads, apart, bool(wrong and not cited))
                )
            elif cited and found and found[-1].line == number:
                last = found[-1]
                both = tuple(dict.fromkeys((*last.cited, *cited)))
                found[-1] = Statement(last.text, both, number, last.prefix, False, last.apart)
        apart = False
    return found, made_up


def written(statements: Sequence[Statement]) -> Written:
    """Statements in their lines, citations numbered in the order in which they come, one for a run."""
    order: dict[int, int] = {}
    text, spans = "", []
    for place, statement in enumerate(statements):
        last = statements[place - 1] if place else None
        if last is not None and last.line == statement.line:
            text += " "
        else:
            text += ("\n\n" if statement.apart else "\n") if text else ""
            text += statement.prefix
        start = len(text)
        words = NAMED.sub(lambda m: f"[{order.setdefault(int(m.group(1)), len(order) + 1)}]", statement.text)
        inside = {int(n) for n in NAMED.findall(statement.text)}
        following = statements[place + 1] if place + 1 < len(statements) else None
        same = following is not None and (following.line, following.cited) == (
            statement.line,
            statement.cited,
        )
        behind = [] if same and following and not NAMED.search(following.text) else statement.cited
        marks = "".join(f" [{order.setdefault(n, len(order) + 1)}]" for n in behind if n not in inside)
        if marks and words.startswith("|") and words.endswith("|"):  # into the last cell of a row
            words, marks = words[:-1].rstrip() + marks + " |", ""
        text += words + marks
        spans.append(Span(start, len(text)))
    return Written(text, tuple(order), tuple(spans))


def _cited_behind(line: str) -> str:
    """The line with each citation before the full stop of what it belongs to."""
    before = list(_BEFORE.finditer(line))
    if before and before[0].start() == 0:
        ends = [match.start() for match in before[1:]] + [len(line)]
        parts = []
        for match, end in zip(before, ends, strict=True):
            parts.append(line[match.end() : end].strip(" \t:") + " " + match.group().strip())
        line = " ".join(parts)
    return _BEHIND_STOP.sub(lambda m: f"{m.group(2)}{m.group(1)}", line)


def _sentences(line: str) -> list[Span]:
    """The sentences of a line, those that one quote runs through taken together."""
    spans: list[Span] = []
    for span in split_sentences(line):
        closing = _CLOSING.match(line, span.start) if spans else None
        if closing:  # the end of what is emphasised or in brackets
            spans[-1] = Span(spans[-1].start, closing.end())
            rest = line[closing.end() : span.end]
            if not rest.strip():
                continue
            span = Span(closing.end() + len(rest) - len(rest.lstrip()), span.end)
        spans.append(span)
    quotes = [span for span, _ in quoted(line)]
    joined: list[Span] = []
    at = 0
    for span in spans:
        while at < len(quotes) and quotes[at].end <= span.start:
            at += 1
        if joined and at < len(quotes) and quotes[at].start < joined[-1].end and quotes[at].end > span.start:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined


def _read(sentence: str, count: int) -> tuple[str, tuple[int, ...], int]:
    """A sentence without its citations, the positions they name, and how many name nothing."""
    cited: dict[int, None] = {}
    wrong, place, parts = 0, 0, [""]
    quotes = [span for span, _ in quoted(sentence)]
    for match in _CITED.finditer(sentence):
        numbers = cited_numbers(match)
        known = [n - 1 for n in numbers if 1 <= n <= count]
        wrong += len(numbers) - len(known)
        cited.update(dict.fromkeys(known))
        before, after = sentence[place : match.start()], sentence[match.end() :][:2]
        said = "".join(parts[-1:]) + before
        starts = not any(part.strip(" \t*([") for part in (*parts, before)) and after[:1] == " "
        named = bool(_INTRODUCED.search(said[-30:])) or (starts and after[1:].islower())
        quote = any(span.start < match.start() < span.end for span in quotes) if named else False
        parts.append(before)
        if known and named and not quote:
            space = sentence[match.start() : match.start() + 1]
            parts.append((space if space.isspace() else "") + "".join(f"\x00{n}\x00" for n in known))
        place = match.end()
    words = "".join([*parts, sentence[place:]])
    words = re.sub(r"[ \t]?\(\s{0,3}\)", "", words)
    if CITATION.search(words) or not _balanced(words):
        # What is left over must not become a citation.
        words = re.sub(r"[\[\]【】［］()]", "", words)
    return re.sub(r"[ \t]{2,}", " ", words).strip(), tuple(cited), wrong


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character in "[【［") - (character in "]】］")
        if depth < 0:
            return False
    return depth == 0
