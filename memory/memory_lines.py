"""The lines of a file of exported memory: a thread, a turn, a fact, a reading position."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from memory.errors import MemoryFileError

__all__ = ["FactLine", "Line", "ReadingLine", "ThreadLine", "TurnLine", "parsed_line", "written_line"]

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 9998
"""Between these, no zone and no duration of a turn leads out of what a date can be."""
LONGEST_SECONDS: Final = 1e7
END_OF_NUMBERS: Final = 2**31
"""The first that is no ordinal, strength or offset; PostgreSQL's integers end there, too."""
LONGEST_NAME: Final = 200
LONGEST_SAID: Final = 4_000
"""Characters of a question, and of a fact: as many as can be asked at once."""


def _possible(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"the year is {moment.year}, not one of {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def _on_one_line(name: str) -> str:
    if not name.strip() or name.splitlines() != [name]:
        raise ValueError("a name is one line, and not blank")
    return name


_Moment = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_possible)]
_Count = Annotated[int, Field(ge=1, lt=END_OF_NUMBERS)]
_Name = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_on_one_line)]
_Said = Annotated[str, Field(max_length=LONGEST_SAID)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ThreadLine(_Line):
    """A thread."""

    kind: Literal["thread"] = "thread"
    name: _Name
    created_at: _Moment


class TurnLine(_Line):
    """A turn of a thread that stands above it."""

    kind: Literal["turn"] = "turn"
    thread: str
    ordinal: _Count
    speaker: Annotated[str, Field(max_length=LONGEST_NAME)]
    question: _Said
    answer: str
    question_summary: str
    answer_summary: str
    importance: Annotated[float, Field(ge=0, le=1)]
    abstained: bool
    details: dict[str, Any]
    asked_at: _Moment
    seconds: Annotated[float, Field(ge=0, le=LONGEST_SECONDS)]


class FactLine(_Line):
    """A fact from a turn that stands above it; `number` counts from 1, `replaced_by` is such a number."""

    kind: Literal["fact"] = "fact"
    number: _Count
    thread: str
    ordinal: _Count
    text: Annotated[_Said, Field(min_length=1)]
    quote: Annotated[_Said, Field(min_length=1)]
    asserted_by: _Name
    state: Literal["kept", "waiting"]
    confidence: Annotated[float, Field(ge=0, le=1)]
    strength: _Count
    valid_from: _Moment
    invalid_at: _Moment | None
    replaced_by: _Count | None
    created_at: _Moment

    @model_validator(mode="after")
    def _ends_as_facts_do(self) -> Self:
        if self.invalid_at is not None and self.invalid_at < self.valid_from:
            raise ValueError("invalid_at is before valid_from")
        if self.replaced_by is not None and (self.invalid_at is None or self.replaced_by == self.number):
            raise ValueError("replaced_by names the fact itself, or the fact has no end")
        return self


class ReadingLine(_Line):
    """How far a document has been read."""

    kind: Literal["reading"] = "reading"
    document_id: str
    content_hash: str
    read_to: Annotated[int, Field(ge=0, lt=END_OF_NUMBERS)]
    updated_at: _Moment


Line = Annotated[ThreadLine | TurnLine | FactLine | ReadingLine, Field(discriminator="kind")]
_LINES: Final[TypeAdapter[Line]] = TypeAdapter(Line)


def written_line(line: Line) -> str:
    """The line as it stands in a file, the same whenever it is written."""
    shown = line.model_dump()
    for name, value in shown.items():
        if isinstance(value, datetime):
            shown[name] = value.isoformat()
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")) + "\n"


def parsed_line(text: str) -> Line:
    """What a line of a file says.

    Raises:
        MemoryFileError: If it says nothing that is known.
    """
    try:
        line = _LINES.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise MemoryFileError(f"{reason}.") from error
    if _holds_unstorable(line.model_dump()):
        raise MemoryFileError("it holds a character that no database can keep.")
    return line


def _holds_unstorable(value: object) -> bool:
    """Whether a text anywhere in it is none that a database can keep."""
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, dict):
        return any(_holds_unstorable(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(map(_holds_unstorable, value))
