"""Files of conversations with questions about them: LoCoMo (arXiv 2402.17753), and the probes of SCM4LLMs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.errors import EvaluationError
from app.memories import LONGEST_USER
from app.metrics import normalised_answer
from app.remembering import LONGEST_QUESTION

__all__ = [
    "Conversation",
    "ConversationQuestion",
    "Dialogue",
    "Probe",
    "SaidTurn",
    "load_conversations",
    "load_dialogues",
    "load_probes",
]

CATEGORIES: Final = (1, 2, 3, 4, 5)
MOMENT: Final = "%I:%M %p on %d %B, %Y"

Loaded = TypeVar("Loaded")
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_USER)]
Question = Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION, pattern=r"\S")]


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SaidTurn(_File):
    """One utterance."""

    turn_id: str
    speaker: str = Field(min_length=1)
    text: str
    image_caption: str | None = None

    @property
    def said(self) -> str:
        """Its text, with what the picture shows that was sent with it."""
        return f"{self.text} [{self.image_caption}]" if self.image_caption else self.text


class _Session(_File):
    id: int
    date_time: str
    turns: list[SaidTurn]


class ConversationQuestion(_File):
    """A question with the utterances that hold its answer; category 5 has no answer."""

    question: Question
    answer: str | int | float | None = None
    category: int = Field(ge=1, le=5)
    evidence: list[str] = Field(default_factory=list)


class Conversation(_File):
    """Two people over many sessions, and questions about what they said."""

    sample_id: Name
    sessions: list[_Session] = Field(min_length=1)
    questions: list[ConversationQuestion]

    def turns(self) -> list[tuple[str, datetime, SaidTurn]]:
        """Every utterance in order, with its thread and its time: a second after the one before."""
        found: list[tuple[str, datetime, SaidTurn]] = []
        for session in self.sessions:
            began = _moment(session.date_time)
            found += [
                (f"session {session.id}", began + timedelta(seconds=n), turn)
                for n, turn in enumerate(session.turns)
            ]
        return found

    @property
    def ended(self) -> datetime:
        """When the last session was over, to the day."""
        return max(_moment(session.date_time) for session in self.sessions) + timedelta(days=1)


class Dialogue(_File):
    """A long dialogue, what the user says and what is answered in turn."""

    id: Name
    dialogue: list[str] = Field(min_length=2)

    def exchanges(self) -> list[tuple[str, str]]:
        """What was said with what was answered to it; the last may have no answer."""
        said, answered = self.dialogue[0::2], self.dialogue[1::2]
        return list(zip(said, [*answered, *[""] * (len(said) - len(answered))], strict=True))


class Probe(_File):
    """A question about a dialogue, with the words that a good answer has."""

    question_id: str
    id: str
    mode: str
    question: Question
    answer: str


def load_conversations(path: Path) -> list[Conversation]:
    """The conversations of a LoCoMo file.

    Raises:
        EvaluationError: If it is none.
    """
    found = _loaded(path, TypeAdapter(list[Conversation]))
    _check_names(path, "conversations", [each.sample_id for each in found])
    for each in found:
        try:
            turns = each.turns()
        except ValueError as error:
            raise EvaluationError(f"{path.name} is no file of conversations: {error}.") from error
        if not turns:
            raise EvaluationError(f"The conversation {each.sample_id!r} in {path.name} has no turns.")
        _check_names(path, f"turns of {each.sample_id!r}", [turn.turn_id for _, _, turn in turns])
    if not any(each.questions for each in found):
        raise EvaluationError(f"The conversations in {path.name} have no questions.")
    return found


def load_dialogues(path: Path) -> list[Dialogue]:
    """The dialogues of an SCM4LLMs file.

    Raises:
        EvaluationError: If it is none.
    """
    found = _loaded(path, TypeAdapter(list[Dialogue]))
    _check_names(path, "dialogues", [each.id for each in found])
    return found


def load_probes(path: Path) -> list[Probe]:
    """The probes of an SCM4LLMs file.

    Raises:
        EvaluationError: If it is none.
    """
    found = _loaded(path, TypeAdapter(list[Probe]))
    for each in found:
        if not normalised_answer(each.answer):
            raise EvaluationError(
                f"The answer of the probe {each.question_id!r} in {path.name} has no words to look for."
            )
    return found


def _loaded(path: Path, form: TypeAdapter[list[Loaded]]) -> list[Loaded]:
    try:
        rows: Any = json.loads(path.read_text(encoding="utf-8"))
        found = form.validate_python(rows)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise EvaluationError(f"The file {path} cannot be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise EvaluationError(f"{path.name} is not such a file: {place}: {first['msg']}.") from error
    if not found:
        raise EvaluationError(f"{path.name} holds nothing to ask.")
    return found


def _check_names(path: Path, what: str, names: Sequence[str]) -> None:
    """Refuse names that stand for two things; which of them is meant could not be told."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise EvaluationError(f"{path.name} names {count} {what} {name!r}.")


def _moment(text: str) -> datetime:
    """LoCoMo's "1:56 pm on 8 May, 2023"."""
    return datetime.strptime(text.strip().upper().replace(" ON ", " on "), MOMENT).replace(tzinfo=UTC)
