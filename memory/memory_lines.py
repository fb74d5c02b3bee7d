"""The lines of a file of exported memory: a thread, a turn, a fact, a reading position."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from memory.errors import MemoryFileError

__all__ = ["FactLine", "Line", "ReadingLine", "ThreadLine", "TurnLine", "parsed_line", "written_line"]

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ThreadLine(_Line):
    """A thread."""

    kind: Literal["thread"] = "thread"
    name: Annotated[str, Field(min_length=1)]
    created_at: Annotated[AwareDatetime, Field(strict=False)]


class TurnLine(_Line):
    """A turn of a thread that stands above it."""

    kind: Literal["turn"] = "turn"
    thread: str
    ordinal: Annotated[int, Field(ge=1)]
    speaker: str
    question: str
    answer: str
    question_summary: str
    answer_summary: str
    importance: Annotated[float, Field(ge=0, le=1)]
    abstained: bool
    details: dict[str, Any]
    asked_at: Annotated[AwareDatetime, Field(strict=False)]
    seconds: float


class FactLine(_Line):
    """A fact from a turn that stands above it; `number` counts from 1, `replaced_by` is such a number."""

    kind: Literal["fact"] = "fact"
    number: Annotated[int, Field(ge=1)]
    thread: str
    ordinal: int
    text: Annotated[str, Field(min_length=1)]
    quote: str
    asserted_by: str
    state: Literal["kept", "waiting"]
    confidence: Annotated[float, Field(ge=0, le=1)]
    strength: Annotated[int, Field(ge=1)]
    valid_from: Annotated[AwareDatetime, Field(strict=False)]
    invalid_at: Annotated[AwareDatetime | None, Field(strict=False)]
    replaced_by: int | None
    created_at: Annotated[AwareDatetime, Field(strict=False)]


class ReadingLine(_Line):
    """How far a document has been read."""

    kind: Literal["reading"] = "reading"
    document_id: str
    content_hash: str
    read_to: Annotated[int, Field(ge=0)]
    updated_at: Annotated[AwareDatetime, Field(strict=False)]


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
    if _UNSTORABLE.search(
        json.dumps(line.model_dump(mode="json"), ensure_ascii=False).replace("\\u0000", "\0")
    ):
        raise MemoryFileError("it holds a character that no database can keep.")
    return line


def _holds_unstorable(value: object) -> bool:
    """Whether a text anywhere in it is none that a database can keep."""
    if isinstance(value, str):
        return _UNSTORABLE.search(value) is not None
    if isinstance(value, dict):
        return any(_holds_unstorable(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(map(_holds_unstorable, value))
