"""An answer is checked before it is shown: its citations, its quotes, and what stands without either.

What a model writes is a draft. A citation of evidence that was not there is removed. A quote that stands in
other evidence than was cited gets the right citation; one that stands in none removes its sentence. A
statement without a citation is covered by the next one of its line if that evidence knows its names, its
numbers and something of what it says; or it gets one where all its words stand in one sentence of the
evidence, in the same order and with as many negations; else it goes, and so does a heading that says more.
Nothing is left of an answer that rests on no evidence. Whatever is removed is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from reader.quote_book import NEGATION, QuoteBook
from reader.quotes import CITATION, quoted
from reader.statements import Statement, Written, cleaned, statements_of, written
from retrieval.evidence import Evidence
from retrieval.sentences import split_sentences
from retrieval.words import content_words

__all__ = ["CITATION", "CheckedAnswer", "QuoteBook", "check_answer", "quoted"]

_NUMBER: Final = re.compile(r"\d[\d.,]*\d|\d")
_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z][\w'’-]+")
_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*")
_CLAUSE_END: Final = re.compile(r"[,;:!?—–()“”\"«»]+")
_LABEL: Final = re.compile(r"\A[\s*_]*(?:the )?(?:short |final )?answer[\s*_]*:", re.IGNORECASE)
_STRUCTURE: Final = """
    answer answers answered question summary summarise summarize overview conclusion introduction background
    context detail explanation description comparison difference similarity evidence source reference quote
    quotation citation passage text document book story chapter excerpt note finding fact information point
    reason cause effect result list table timeline step part item aspect topic example case thing kind type
    value role status number amount location action meaning title author
    name date year time place person people character event key main important relevant available
    following follows follow below above include contain support mention state say tell told describe show
    give given provide appear find found base accord short brief direct final two three four five six seven
    eight nine ten first second third last several various 1 2 3 4 5 6 7 8 9 10
    antwort zusammenfassung quellen belege gründe réponse résumé raisons respuesta resumen fuentes 答案 总结
"""
"""What headings and openings are made of that say nothing themselves."""
_OPENERS: Final = frozenset(
    str.split(
        """
    however therefore moreover furthermore additionally finally first firstly second secondly third thirdly
    overall initially originally later earlier eventually next meanwhile instead indeed ultimately similarly
    likewise consequently hence nevertheless nonetheless besides afterwards thereafter subsequently today
    currently specifically notably apparently clearly interestingly unfortunately according based given
    nobody someone everyone everything something nothing people two three four five both several despite
    """
    )
)
"""Words that begin a sentence with a capital and are no names."""
MOST_UNSUPPORTED: Final = 5
SHORT_ANSWER: Final = 3
"""Words of an answer that claims nothing but itself: "Bright blue thread"."""
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


class _Support:
    """The words of the evidence, and which statements they bear without a citation of their own."""

    def __init__(self, evidence: Sequence[Evidence], question: str) -> None:
        self.evidence = evidence
        self.asked = set(content_words(question))
        self.held = [set(content_words(each.quote)) for each in evidence]
        self.titles = {word for each in evidence for word in content_words(each.origin.title)}
        texts = (question, *(each.quote for each in evidence))
        self._in_lower_case = {word for text in texts for word in _WORD.findall(text) if word.islower()}
        self._stretches: dict[tuple[int, bool], list[tuple[list[str], int]]] = {}

    def covers(self, words: str, cited: Sequence[int]) -> bool:
        """Whether evidence cited further on knows the names and numbers of a statement and something more."""
        there = set[str]().union(*(self.held[n] for n in cited))
        known = there | self.asked | self.titles
        own = set(content_words(words)) - self.asked
        claims = " ".join([*_NUMBER.findall(words), *self._names(words)])
        return bool(cited) and set(content_words(claims)) <= known and (not own or bool(own & there))

    def says_nothing(self, words: str) -> bool:
        """Whether a heading or an opening is made of known words alone."""
        known = self.asked.union(self.titles, *self.held, _structure())
        return set(content_words(words)) <= known

    def attributed(self, words: str) -> tuple[int, ...]:
        """The best evidence with a sentence that holds all the words of a statement as it says them."""
        words = _LABEL.sub("", words)
        said, negations = content_words(words), len(NEGATION.findall(words))
        own = [word for word in said if word not in self.asked]
        short = len(words.split()) <= SHORT_ANSWER
        found = []
        for n, held in enumerate(self.held):
            if not own or not held.issuperset(own):
                continue
            wanted = [word for word in said if word in held]
            if short and len(said) - len(own) <= 1:
                wanted = own
            if any(negations == turned and _in_order(wanted, run) for run, turned in self._runs(n, short)):
                found.append(n)
        return (max(found, key=lambda n: self.evidence[n].score),) if found else ()

    def _names(self, words: str) -> list[str]:
        """Words with a capital; the first one too, unless it is known as a common word."""
        found = [word for word in _WORD.findall(words) if word[0].isupper()]
        first = _WORD.search(words)
        begins = first.group().lower() if first else ""
        common = begins in _OPENERS or begins in self._in_lower_case
        return found[1:] if common and found and found[0].lower() == begins else found

    def _runs(self, n: int, short: bool) -> list[tuple[list[str], int]]:
        """The words of each sentence (clause for a short answer) of evidence in order, and its negations."""
        if (n, short) not in self._stretches:
            text = self.evidence[n].quote
            parts = [text[span.start : span.end] for span in split_sentences(text)]
            if short:
                parts = [clause for part in parts for clause in _CLAUSE_END.split(part)]
            elif len(parts) > 1:
                parts.append(text)
            self._stretches[n, short] = [(content_words(part), len(NEGATION.findall(part))) for part in parts]
        return self._stretches[n, short]


def _in_order(wanted: Sequence[str], run: Sequence[str]) -> bool:
    rest = iter(run)
    return all(word in rest for word in wanted)


@cache
def _structure() -> frozenset[str]:
    return frozenset(content_words(_STRUCTURE))


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
    support = _Support(evidence, question)
    asked, held = support.asked, support.held
    kept: list[Statement] = []
    for statement, covered in zip(statements, covering, strict=True):
        cited = statement.cited or (covered if support.covers(statement.words, covered) else ())
        found = _checked_quotes(statement.words, cited, book, findings)
        if found is None:
            continue
        if not found and not (statement.leads and support.says_nothing(statement.words)):
            found = support.attributed(statement.words)
            findings.attributed += bool(found)
            if not found:
                findings.uncited += 1
                continue
        kept.append(replace(statement, cited=found, leads=statement.leads and not found))
    answer = _verified(kept, book, findings)
    _note_unsupported(kept, asked.union(support.titles, *held), findings)
    findings.foreign = sum(_is_foreign(statement, held, asked) for statement in kept)
    return CheckedAnswer(answer.text, answer.cited, findings.notes())


def _covering(statements: Sequence[Statement]) -> list[tuple[int, ...]]:
    """The first citation in the line of each statement, its own or one that follows it.

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
    known: set[str],
    findings: _Findings,
) -> None:
    """Note numbers and names that stand neither in the evidence nor in the question."""
    for statement in kept:
        words = statement.words
        for claim in dict.fromkeys([*_NUMBER.findall(words), *_NAME.findall(words)]):
            if len(findings.unsupported) == MOST_UNSUPPORTED:
                return
            if not set(content_words(claim)) <= known and claim not in findings.unsupported:
                findings.unsupported.append(claim)
