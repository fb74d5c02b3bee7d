"""`clew eval qa`: every question is asked over everything that was added, and scored."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from app.answers import Answer
from app.errors import QuestionFileError
from app.events import Event, Progress
from app.library import Library
from app.metrics import exact_match, f1, holds_answer
from app.question_files import Gold, Question, QuestionSet, read_questions
from retrieval.document import Span
from retrieval.errors import LoadError
from retrieval.verify import verify_quote

__all__ = ["add_questioned", "evaluate_qa", "summary"]

DEPTHS: Final = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Scored:
    """One question with its scores; hit ranks count from 1 and are None without a hit."""

    question: Question
    abstained: bool
    em: float
    f1: float
    held: float
    words: int
    evidence_rank: int | None
    paragraph_rank: int | None
    seconds: float
    route: str = "search"
    coverage: float = 0.0


def evaluate_qa(file: Path, library: Library, progress: Progress, route: str = "auto") -> dict[str, Any]:
    """Add what the questions are about to `library`, ask them all, and return the report of DESIGN.

    Raises:
        QuestionFileError: If the file is in no known format.
        LoadError: If the book cannot be read.
    """
    questions = read_questions(file)
    add_questioned(questions, library, progress)
    origins = {record.id: record.path for record in library.documents()}
    paragraphs = _paragraphs(library)
    texts = {record.path: library.store.load(record.key).text for record in library.documents()}
    placed = [_placed(question, texts, file) for question in questions.questions]
    asked = 0

    def done(number: int, answer: Answer) -> None:
        nonlocal asked
        asked += 1
        progress(Event("question", file.name, asked, len(placed)))

    progress(Event("question", file.name, 0, len(placed)))
    answers = library.ask_many([question.text for question in placed], done, route=route)
    scored = [
        _scored(question, answer, origins, paragraphs, answer.seconds)
        for question, answer in zip(placed, answers, strict=True)
    ]
    kinds = sorted({each.question.kind for each in scored})
    return summary(scored) | {
        "by_kind": {kind: summary([s for s in scored if s.question.kind == kind]) for kind in kinds}
    }


def summary(scored: Sequence[Scored]) -> dict[str, Any]:
    """The figures of some questions; a share of nothing is None.

    Beside what DESIGN has: the share of the answers that hold an accepted one or its content words, an
    abstention holding none, with the median of their words; how many took which route, and the mean share
    of the sections that was read.
    """
    answerable = [each for each in scored if each.question.answerable]
    located = [each for each in scored if each.question.evidence]
    abstained = [each for each in scored if each.abstained]
    right = [each for each in abstained if not each.question.answerable]
    return {
        "questions": len(scored),
        "em": _mean([each.em for each in scored]),
        "f1": _mean([each.f1 for each in scored]),
        "holds_answer": _mean([each.held for each in answerable]),
        "words_per_answer": _median([each.words for each in scored if not each.abstained]),
        "evidence_hit": _hits([each.evidence_rank for each in located]),
        "paragraph_hit": _hits([each.paragraph_rank for each in located]),
        "abstention": {
            "precision": _mean([float(not each.question.answerable) for each in abstained]),
            "recall": len(right) / (len(scored) - len(answerable)) if len(scored) > len(answerable) else None,
        },
        "answered": _mean([float(not each.abstained) for each in answerable]),
        "seconds_per_question": _mean([each.seconds for each in scored]),
        "routes": dict(sorted(Counter(each.route for each in scored).items())),
        "sections_read": _mean([each.coverage for each in scored]),
    }


def add_questioned(questions: QuestionSet, library: Library, progress: Progress) -> None:
    """Add what questions are about.

    Raises:
        LoadError: If the book cannot be read.
    """
    if questions.book is None:
        library.add_documents(questions.documents, progress)
        return
    for added in library.add([questions.book], progress):
        if added.error is not None:
            raise LoadError(added.error)


def _placed(question: Question, texts: dict[str, str], file: Path) -> Question:
    """The question with each piece of evidence where its quote stands in the text as it was loaded."""
    evidence: list[Gold] = []
    for gold in question.evidence:
        span = verify_quote(gold.quote, texts[gold.origin], gold.span).span
        if span is None:
            raise QuestionFileError(
                f"The evidence of {question.id} in {file} does not stand in the document."
            )
        evidence.append(replace(gold, span=span))
    return replace(question, evidence=tuple(evidence))


def _paragraphs(library: Library) -> dict[str, Callable[[Span], Span]]:
    """For each origin, what widens a span to its paragraph; a short document is one paragraph."""
    found: dict[str, Callable[[Span], Span]] = {}
    for record in library.documents():
        text = library.store.load(record.key).text
        breaks = [0, *(m.end() for m in re.finditer(r"\r?\n[ \t]*\r?\n\s*", text)), len(text)]

        def widen(span: Span, breaks: list[int] = breaks) -> Span:
            start = max(b for b in breaks if b <= span.start)
            return Span(start, min((b for b in breaks if b >= span.end), default=breaks[-1]))

        found[record.path] = widen
    return found


def _scored(
    question: Question,
    answer: Answer,
    origins: dict[str, str],
    paragraphs: dict[str, Callable[[Span], Span]],
    seconds: float,
) -> Scored:
    given = "" if answer.abstained else re.sub(r"\s*\[\d+\]", "", answer.text)
    references = question.answers
    if question.all_answers and references:
        references = (" ".join(references),)
    evidence = [(gold.origin, gold.span) for gold in question.evidence]
    wider = [(origin, paragraphs[origin](span)) for origin, span in evidence]
    right_silence = float(answer.abstained)
    return Scored(
        question=question,
        abstained=answer.abstained,
        em=exact_match(given, references) if question.answerable else right_silence,
        f1=f1(given, references) if question.answerable else right_silence,
        held=holds_answer(given, references),
        words=len(given.split()),
        evidence_rank=_rank(answer, evidence, origins),
        paragraph_rank=_rank(answer, wider, origins),
        seconds=seconds,
        route=answer.route,
        coverage=answer.sections_read / answer.sections_total,
    )


def _rank(answer: Answer, gold: Sequence[tuple[str, Span]], origins: dict[str, str]) -> int | None:
    for rank, passage in enumerate(answer.passages, start=1):
        origin = origins[passage.document]
        if any(origin == where and passage.span.overlaps(span) for where, span in gold):
            return rank
    return None


def _hits(ranks: Sequence[int | None]) -> dict[str, float | None]:
    return {str(k): _mean([float(rank is not None and rank <= k) for rank in ranks]) for k in DEPTHS}


def _median(values: Sequence[int]) -> float | None:
    return float(median(values)) if values else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
