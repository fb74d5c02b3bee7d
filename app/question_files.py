"""Files of questions for `clew eval qa`: SQuAD 1.1 / 2.0, and the book_qa format of data/README.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import QuestionFileError
from retrieval.document import Document, Span

__all__ = ["Gold", "Question", "QuestionSet", "read_questions"]


@dataclass(frozen=True, slots=True)
class Gold:
    """Where an answer stands: the origin of the document, a span in its text, and what should stand there."""

    origin: str
    span: Span
    quote: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its accepted answers, none if the documents do not tell.

    Attributes:
        evidence: Every place that holds (a part of) the answer.
        all_answers: True if all answers are expected together, not any one of them.
    """

    id: str
    text: str
    kind: str
    answers: tuple[str, ...]
    evidence: tuple[Gold, ...]
    all_answers: bool = False

    @property
    def answerable(self) -> bool:
        """Whether the documents hold an answer."""
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """What is asked, and of what: either a file to be loaded, or Documents with content hash and origin."""

    questions: tuple[Question, ...]
    book: Path | None
    documents: tuple[tuple[Document, str, str], ...]


class _Evidence(BaseModel):
    model_config = ConfigDict(extra="forbid")
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    quote: str

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"it ends at {self.end}, before its start at {self.start}")
        return self


class _BookQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str
    question: str
    answers: list[str]
    kind: str
    evidence: list[_Evidence]


class _BookFile(BaseModel):
    book: str
    questions: list[_BookQuestion]


class _SquadAnswer(BaseModel):
    text: str
    answer_start: int = Field(ge=0)


class _SquadQuestion(BaseModel):
    id: str
    question: str
    answers: list[_SquadAnswer] = []


class _SquadParagraph(BaseModel):
    context: str
    qas: list[_SquadQuestion]


class _SquadArticle(BaseModel):
    title: str = "Untitled"
    paragraphs: list[_SquadParagraph]


class _SquadFile(BaseModel):
    data: list[_SquadArticle]


def read_questions(path: Path) -> QuestionSet:
    """Read a file of questions.

    Raises:
        QuestionFileError: If it cannot be read or is in neither format.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and "data" in content:
            return _squad(_SquadFile.model_validate(content))
        if isinstance(content, dict) and "book" in content:
            return _book(_BookFile.model_validate(content), path)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise QuestionFileError(f"The question file {path} cannot be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise QuestionFileError(
            f"The question file {path} is malformed at {place}: {first['msg']}."
        ) from error
    raise QuestionFileError(f"The question file {path} is neither in SQuAD nor in book_qa format.")


def _squad(file: _SquadFile) -> QuestionSet:
    documents: dict[str, tuple[Document, str, str]] = {}
    questions: list[Question] = []
    for article in file.data:
        for paragraph in article.paragraphs:
            if not paragraph.context.strip():
                continue  # there is nothing in it to ask about
            hash = hashlib.sha256(paragraph.context.encode()).hexdigest()
            title = article.title.replace("_", " ")
            documents.setdefault(hash, (Document(paragraph.context, title, "text/plain"), hash, hash))
            for question in paragraph.qas:
                golds = [
                    Gold(hash, Span(a.answer_start, a.answer_start + len(a.text)), a.text)
                    for a in question.answers
                ]
                questions.append(
                    Question(
                        id=question.id,
                        text=question.question,
                        kind="answerable" if question.answers else "unanswerable",
                        answers=tuple(answer.text for answer in question.answers),
                        evidence=tuple(golds),
                    )
                )
    return QuestionSet(tuple(questions), None, tuple(documents.values()))


def _book(file: _BookFile, path: Path) -> QuestionSet:
    book = (path.parent / file.book).resolve()
    questions = [
        Question(
            id=question.id,
            text=question.question,
            kind=question.kind,
            answers=tuple(question.answers),
            evidence=tuple(
                Gold(str(book), Span(each.start, each.end), each.quote) for each in question.evidence
            ),
            all_answers=question.kind == "whole",
        )
        for question in file.questions
    ]
    return QuestionSet(tuple(questions), book, ())
