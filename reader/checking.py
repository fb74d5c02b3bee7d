"""An answer is checked before it is shown: its citations, its quotes, and what stands without either.

What a model writes is a draft. A citation of evidence that was not there is removed. A quote that stands in
other evidence than was cited gets the right citation; one that stands in none removes its sentence. A
statement without a citation gets one where all its words stand in one piece of evidence, else it goes.
Nothing is left of an answer that rests on no evidence. Whatever is removed is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reader.quote_book import QuoteBook
from reader.quotes import CITATION, quoted
from reader.statements import Statement, Written, cleaned, statements_of, written
from retrieval.evidence import Evidence
from retrieval.words import content_words

__all__ = ["CITATION", "CheckedAnswer", "QuoteBook", "check_answer", "quoted"]

_NUMBER: Final = re.compile(r"\d[\d.,]*\d|\d")
_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z][\w'’-]+")
MOST_UNSUPPORTED: Final = 5
ROUNDS: Final = 4


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


@dataclass(slots=True)
class _Findings:
    made_up: int = 0
    dropped: int = 0
    corrected: int = 0
    uncited: int = 0
    attributed: int = 0
    foreign: int = 0
    unsupported: list[str] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        counts = {
            "made-up citations removed": self.made_up,
            "sentences removed for a quote that was not found": self.dropped,
            "quotes cited where they were found": self.corrected,
            "statements cited by their words": self.attributed,
            "statements without evidence removed": self.uncited,
            "statements that share no word with what they cite": self.foreign,
        }
        found = [f"{what}: {count}" for what, count in counts.items() if count]
        if self.unsupported:
            found.append(f"not in the evidence: {', '.join(self.unsupported[:MOST_UNSUPPORTED])}")
        return tuple(found)


def check_answer(draft: str, evidence: Sequence[Evidence], question: str) -> CheckedAnswer:
    """Check a draft whose [n] count `evidence` from 1.

    Args:
        draft: What the model wrote.
        evidence: What it was shown, none of it dropped.
        question: What was asked.
    """
    book, findings = QuoteBook(evidence, question), _Findings()
    statements, findings.made_up = statements_of(cleaned(draft), len(evidence))
    covering = _covering(statements)
    asked = set(content_words(question))
    held = [set(content_words(each.quote)) for each in evidence]
    kept: list[Statement] = []
    for statement, cited in zip(statements, covering, strict=True):
        found = _checked_quotes(statement.words, cited, book, findings)
        if found is None:
            continue
        if not found and not statement.leads:
            found = _attributed(set(content_words(statement.words)) - asked, held, evidence)
            findings.attributed += bool(found)
            if not found:
                findings.uncited += 1
                continue
        kept.append(replace(statement, cited=found, leads=statement.leads and not found))
    answer = _verified(kept, book, findings)
    _note_unsupported(kept, held, evidence, asked, findings)
    findings.foreign = sum(_is_foreign(statement, held, asked) for statement in kept)
    return CheckedAnswer(answer.text, answer.cited, findings.notes())


def _covering(statements: Sequence[Statement]) -> list[tuple[int, ...]]:
    """What each statement cites, or the first citation that follows it in its line.

    One that cites nothing but evidence that is not there is covered by no other's citation.
    """
    found: list[tuple[int, ...]] = []
    for place in range(len(statements) - 1, -1, -1):
        statement = statements[place]
        follows = found and statements[place + 1].line == statement.line
        covered = found[-1] if follows and not statement.misled else ()
        found.append(statement.cited or covered)
    return found[::-1]


def _checked_quotes(
    text: str, cited: tuple[int, ...], book: QuoteBook, findings: _Findings
) -> tuple[int, ...] | None:
    """The citations with those that the quotes add; None if a quote stands nowhere."""
    for _, words in quoted(text):
        holders = book.find(words, cited)
        if holders is None:
            findings.dropped += 1
            return None
        findings.corrected += bool(cited and holders) and not set(holders) & set(cited)
        cited = tuple(dict.fromkeys((*cited, *holders)))
    return cited


def _attributed(wanted: set[str], held: Sequence[set[str]], evidence: Sequence[Evidence]) -> tuple[int, ...]:
    """The evidence that holds every content word of a statement that the question does not have."""
    holding = [n for n, words in enumerate(held) if wanted and wanted <= words]
    return (max(holding, key=lambda n: evidence[n].score),) if holding else ()


def _verified(kept: list[Statement], book: QuoteBook, findings: _Findings) -> Written:
    """The statements as one text, looked through once more: what is shown counts, not what was read."""
    for _ in range(ROUNDS):
        kept[:] = _led(kept)
        answer = written(kept)
        wrong = [span for span, words in quoted(answer.text) if book.find(words, ()) is None]
        if not wrong:
            return answer
        before = len(kept)
        kept[:] = [
            statement
            for statement, span in zip(kept, answer.spans, strict=True)
            if not any(span.overlaps(each) for each in wrong)
        ]
        findings.dropped += before - len(kept)
    findings.dropped += len(kept)
    kept.clear()
    return written(())


def _led(kept: Sequence[Statement]) -> list[Statement]:
    """Without the headings and openings that nothing follows any more."""
    found: list[Statement] = []
    for statement in reversed(kept):
        if not statement.leads or (found and found[-1].line > statement.line):
            found.append(statement)
    return found[::-1]


def _is_foreign(statement: Statement, held: Sequence[set[str]], asked: set[str]) -> bool:
    """Whether a statement says something of its own and none of it in words of the evidence it cites."""
    own = set(content_words(statement.words)) - asked
    return bool(own and statement.cited) and not own & set[str]().union(*(held[n] for n in statement.cited))


def _note_unsupported(
    kept: Sequence[Statement],
    held: Sequence[set[str]],
    evidence: Sequence[Evidence],
    asked: set[str],
    findings: _Findings,
) -> None:
    """Note numbers and names that stand neither in the evidence nor in the question."""
    titles = {word for each in evidence for word in content_words(each.origin.title)}
    known = asked.union(titles, *held)
    for statement in kept:
        words = statement.words
        for claim in dict.fromkeys([*_NUMBER.findall(words), *_NAME.findall(words)]):
            if len(findings.unsupported) == MOST_UNSUPPORTED:
                return
            if not set(content_words(claim)) <= known and claim not in findings.unsupported:
                findings.unsupported.append(claim)
