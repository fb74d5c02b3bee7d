"""An answer is checked before it is shown: its citations, its quotes, and what stands without either.

What a model writes is a draft. A citation of evidence that was not there is removed. A quote that stands in
other evidence than was cited gets the right citation; one that stands in none removes its sentence. A
statement without a citation gets one where all its words stand in one piece of evidence, else it goes.
Nothing is left of an answer that rests on no evidence. Whatever is removed is said.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from retrieval.document import Span
from retrieval.evidence import Evidence
from retrieval.sentences import split_sentences
from retrieval.verify import Verdict, verify_quote
from retrieval.words import content_words

__all__ = ["CITATION", "CheckedAnswer", "QuoteBook", "check_answer", "quoted"]

CITATION: Final = re.compile(r"[\[【(]\s*(\d{1,4}(?:\s*[,;]\s*\d{1,4})*)\s*[\]】)]")
"""[1], [1, 2], and the forms that models put in their place."""

_BEHIND_STOP: Final = re.compile(
    r"([.!?…][\"”’»')]*)((?:\s*[\[【]\s*\d{1,4}(?:\s*[,;]\s*\d{1,4})*\s*[\]】])+)"
)
_QUOTE: Final = re.compile(
    r"“([^“”]*)(?:”|\Z)|„([^„“”]*)(?:[“”]|\Z)|«([^«»]*)(?:»|\Z)|\"([^\"]*)(?:\"|\Z)"
    r"|(?<!\w)‘((?:[^‘’]|’(?=\w))*)’|(?<!\w)'((?:[^']|(?<=\w)'(?=\w))*)'(?!\w)"
    r"|^[ \t]*>[ \t]*(.*)$|`+([^`]*)`+",
    re.MULTILINE,
)
_GAP: Final = re.compile(r"\.\.\.|…|\[[^\]]*\]")
_NUMBER: Final = re.compile(r"\d[\d.,]*\d|\d")
_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z][\w'’-]+")
_BULLET: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
ADJACENT: Final = 3
MOST_UNSUPPORTED: Final = 5


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer that may be shown.

    Attributes:
        text: With [n] behind what `cited[n - 1]` supports; "" if nothing of the draft could stay.
        cited: Positions of evidence, from 0, in the order in which the text cites them.
        notes: What was removed or put right, each a few words.
    """

    text: str
    cited: tuple[int, ...]
    notes: tuple[str, ...]


class QuoteBook:
    """Looks quotes up in the evidence, sentences that follow one another taken together.

    Args:
        evidence: None of it dropped.
        question: What it quotes itself may be quoted back.
    """

    def __init__(self, evidence: Sequence[Evidence], question: str) -> None:
        self._question = question
        self._sources: list[tuple[tuple[int, ...], str]] = [
            ((n,), each.quote) for n, each in enumerate(evidence)
        ]
        order = sorted(
            range(len(evidence)),
            key=lambda n: (evidence[n].origin.document, evidence[n].origin.span.start),
        )
        run: list[int] = []
        for n in order:
            if run and not _follows(evidence[run[-1]], evidence[n]):
                self._join(run, evidence)
                run = []
            run.append(n)
        self._join(run, evidence)

    def find(self, quote: str, cited: Sequence[int]) -> tuple[int, ...] | None:
        """Evidence that holds a quote, that among `cited` first; () if the question does; None if nothing.

        A quote with gaps ("...", "[he]") is found where each of its pieces is.
        """
        pieces = [each for each in _GAP.split(quote) if any(c.isalnum() for c in each)]
        if not pieces:
            return ()
        for holders, text in sorted(self._sources, key=lambda source: not set(source[0]) & set(cited)):
            if all(verify_quote(piece, text).verdict is Verdict.VERIFIED for piece in pieces):
                return holders
        if all(verify_quote(piece, self._question).verdict is Verdict.VERIFIED for piece in pieces):
            return ()
        return None

    def _join(self, run: Sequence[int], evidence: Sequence[Evidence]) -> None:
        if len(run) > 1:
            self._sources.append((tuple(run), " ".join(evidence[n].quote for n in run)))


@dataclass(slots=True)
class _Findings:
    made_up: int = 0
    dropped: int = 0
    corrected: int = 0
    uncited: int = 0
    attributed: int = 0
    unsupported: list[str] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        counts = {
            "made-up citations removed": self.made_up,
            "sentences removed for a quote that was not found": self.dropped,
            "quotes cited where they were found": self.corrected,
            "statements cited by their words": self.attributed,
            "statements without evidence removed": self.uncited,
        }
        found = [f"{what}: {count}" for what, count in counts.items() if count]
        if self.unsupported:
            found.append(f"not in the evidence: {', '.join(self.unsupported[:MOST_UNSUPPORTED])}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Statement:
    """A sentence of the draft: its words without citations, what they cite, and its line."""

    text: str
    cited: tuple[int, ...]
    line: int


def check_answer(draft: str, evidence: Sequence[Evidence], question: str) -> CheckedAnswer:
    """Check a draft whose [n] count `evidence` from 1.

    Args:
        draft: What the model wrote.
        evidence: What it was shown, none of it dropped.
        question: What was asked.
    """
    book, findings = QuoteBook(evidence, question), _Findings()
    # Prompts escape what comes from documents, and models copy that.
    statements = _statements(_joined_quotes(html.unescape(draft)), len(evidence), findings)
    kept: list[_Statement] = []
    for place, statement in enumerate(statements):
        cited = _own_or_covering(statements, place)
        found = _checked_quotes(statement.text, cited, book, findings)
        if found is None:
            continue
        if not found:
            found = _attributed(statement.text, evidence, question)
            findings.attributed += bool(found)
        if not found:
            findings.uncited += 1
            continue
        kept.append(_Statement(statement.text, found, statement.line))
    _note_unsupported(kept, evidence, question, findings)
    text, order = _written(kept)
    return CheckedAnswer(text, order, findings.notes())


def quoted(text: str) -> list[tuple[Span, str]]:
    """What a text quotes: the span with its marks, and the words; a quote left open goes to the end."""
    found: list[tuple[Span, str]] = []
    for match in _QUOTE.finditer(text):
        words = next((group for group in match.groups() if group is not None), "")
        found.append((Span(match.start(), match.end()), CITATION.sub("", words).strip()))
    return found


def _joined_quotes(text: str) -> str:
    """The text with each quote on one line, so that no sentence boundary is seen at a line end within it."""
    for span, _ in quoted(text):
        if not text[span.start : span.end].lstrip().startswith(">"):
            joined = text[span.start : span.end].replace("\n", " ")
            text = text[: span.start] + joined + text[span.end :]
    return text


def _statements(text: str, count: int, findings: _Findings) -> list[_Statement]:
    """The sentences of the draft, each with the citations that stand in it or right behind it."""
    found: list[_Statement] = []
    for number, line in enumerate(text.splitlines()):
        line = _BEHIND_STOP.sub(lambda m: f"{m.group(2)}{m.group(1)}", line)
        for span in _whole_quotes(line):
            sentence = line[span.start : span.end]
            cited: list[int] = []
            for match in CITATION.finditer(sentence):
                if match.group().startswith("("):
                    continue  # "(1804)" is a year more often than a citation
                for each in re.findall(r"\d+", match.group(1)):
                    if 1 <= int(each) <= count:
                        cited.append(int(each) - 1)
                    else:
                        findings.made_up += 1
            words = CITATION.sub(lambda m: m.group() if m.group().startswith("(") else "", sentence)
            words = re.sub(r"\s+(?=[.,;:!?])", "", re.sub(r"[ \t]+", " ", words)).strip()
            if any(c.isalnum() for c in _BULLET.sub("", words)):
                found.append(_Statement(words, tuple(dict.fromkeys(cited)), number))
            elif cited and found and found[-1].line == number:
                last = found[-1]
                found[-1] = _Statement(last.text, tuple(dict.fromkeys((*last.cited, *cited))), number)
    return found


def _whole_quotes(line: str) -> list[Span]:
    """The sentences of a line, those that one quote runs through taken together."""
    spans = split_sentences(line)
    for quote, _ in quoted(line):
        touched = [n for n, span in enumerate(spans) if span.overlaps(quote)]
        if len(touched) > 1:
            first, last = touched[0], touched[-1]
            spans[first : last + 1] = [Span(spans[first].start, spans[last].end)]
    return spans


def _own_or_covering(statements: Sequence[_Statement], place: int) -> tuple[int, ...]:
    """What a statement cites, or the first citation that follows it in its line."""
    for statement in statements[place:]:
        if statement.line != statements[place].line:
            return ()
        if statement.cited:
            return statement.cited
    return ()


def _checked_quotes(
    text: str, cited: tuple[int, ...], book: QuoteBook, findings: _Findings
) -> tuple[int, ...] | None:
    """The citations with those that the quotes add; None if a quote stands nowhere."""
    for _, words in quoted(text):
        holders = book.find(words, cited)
        if holders is None:
            findings.dropped += 1
            return None
        if holders and not set(holders) & set(cited):
            findings.corrected += bool(cited)
            cited = (*cited, *holders)
    return cited


def _attributed(text: str, evidence: Sequence[Evidence], question: str) -> tuple[int, ...]:
    """The evidence that holds every content word of a statement that the question does not have."""
    wanted = set(content_words(text)) - set(content_words(question))
    if not wanted:
        return ()
    holding = [n for n, each in enumerate(evidence) if wanted <= set(content_words(each.quote))]
    return (max(holding, key=lambda n: evidence[n].score),) if holding else ()


def _note_unsupported(
    kept: Sequence[_Statement], evidence: Sequence[Evidence], question: str, findings: _Findings
) -> None:
    """Note numbers and names that stand neither in the evidence nor in the question."""
    known = {word for each in evidence for word in content_words(f"{each.quote} {each.origin.title}")}
    known |= set(content_words(question))
    for statement in kept:
        text = _BULLET.sub("", statement.text)
        for claim in [*_NUMBER.findall(text), *_NAME.findall(text)]:
            if not set(content_words(claim)) <= known and claim not in findings.unsupported:
                findings.unsupported.append(claim)


def _written(kept: Sequence[_Statement]) -> tuple[str, tuple[int, ...]]:
    """The statements with citations numbered in the order in which they come; one citation for a run."""
    order: list[int] = []
    lines: dict[int, list[str]] = {}
    for place, statement in enumerate(kept):
        for n in statement.cited:
            if n not in order:
                order.append(n)
        following = kept[place + 1] if place + 1 < len(kept) else None
        same = following is not None and (following.line, following.cited) == (
            statement.line,
            statement.cited,
        )
        marks = "" if same else "".join(f" [{order.index(n) + 1}]" for n in statement.cited)
        lines.setdefault(statement.line, []).append(statement.text + marks)
    return "\n".join(" ".join(line) for line in lines.values()), tuple(order)


def _follows(one: Evidence, other: Evidence) -> bool:
    gap = other.origin.span.start - one.origin.span.end
    return one.origin.document == other.origin.document and 0 <= gap <= ADJACENT
