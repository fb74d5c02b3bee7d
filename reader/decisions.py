"""Typed decisions: a choice among options, or a reply that follows a schema, never anything else.

Where the backend enforces the schema (constrained decoding, or an endpoint that does), an invalid reply is
impossible. Where it does not, the reply is validated, repaired once with the error shown, and then refused
with InvalidReplyError, which callers count as an invalid action (MemWalker, arXiv 2310.05029, retries these).

"Reason first" lets the model write its reason before the decision. It helps a 70B model and hurts a 13B one
(the same paper), so by default it is on from 30 billion parameters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from reader.chat import Cancellation, ChatModel, Completion, Finish, Message, Request
from reader.errors import InvalidReplyError
from reader.prompts import render

__all__ = ["THINKING_TOKENS", "Decision", "choose", "longest_reply", "reason_first", "reply_as"]

REASON_CHARACTERS: Final = 600
REASONING_FROM: Final = 30.0
REPLY_SHOWN: Final = 1_000
THINKING_TOKENS: Final = 2_048
"""Room for the reasoning of a model that cannot be kept from it, granted once it has needed it."""
Reply = TypeVar("Reply", bound=BaseModel)
Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True, slots=True)
class Decision(Generic[Value]):
    """A decision, the reason given for it ("" if none was asked), and how many replies were invalid."""

    value: Value
    reason: str
    invalid: int


def reason_first(setting: Literal["auto", "on", "off"], parameters: float | None) -> bool:
    """Whether to ask for a reason before a decision; a model of unknown size counts as small."""
    if setting == "auto":
        return parameters is not None and parameters >= REASONING_FROM
    return setting == "on"


def choose(
    model: ChatModel,
    messages: Sequence[Message],
    options: Sequence[str],
    *,
    reason: bool = False,
    cancellation: Cancellation | None = None,
) -> Decision[str]:
    """Let the model choose one of `options`, which differ from one another and are at least one.

    Raises:
        InvalidReplyError: If the reply is none of them even after a repair.
    """
    if not options or len(set(options)) != len(options):
        raise ValueError(f"{len(options)} options, {len(set(options))} different ones")
    field: Any = (Literal[tuple(options)], ...)
    schema = create_model("Choice", __config__=ConfigDict(extra="forbid"), choice=field)
    decided = reply_as(model, messages, schema, reason=reason, cancellation=cancellation)
    return Decision(str(decided.value.model_dump()["choice"]), decided.reason, decided.invalid)


def reply_as(
    model: ChatModel,
    messages: Sequence[Message],
    schema: type[Reply],
    *,
    reason: bool = False,
    cancellation: Cancellation | None = None,
) -> Decision[Reply]:
    """Let the model reply in the form of `schema`.

    Args:
        model: Any.
        messages: What is asked; how to reply is added to the last of them.
        schema: A pydantic model whose texts and lists have greatest lengths, so that a reply has one too.
        reason: Whether the model writes its reason first.
        cancellation: Stops it; a reply that was cut short by it is invalid and not repaired.

    Raises:
        InvalidReplyError: If the reply does not follow the schema even after a repair.
    """
    asked = _with_reason(schema) if reason else schema
    form = _inlined(asked.model_json_schema())
    how = render("reply_form", schema=json.dumps(form, ensure_ascii=False, separators=(",", ":")))
    wanted = [*messages[:-1], Message("user", f"{messages[-1].content}\n\n{how}")]
    problem, thinking = "", 0
    for invalid in range(2):
        # A reply may take all that the schema allows, where the window has the room.
        room = model.window - model.prompt_tokens(wanted)
        limit = max(min(longest_reply(form) + thinking, room), min(room, 64), 1)
        completion = model.complete(Request(tuple(wanted), limit, schema=form), None, cancellation)
        try:
            reply = asked.model_validate_json(_json_of(completion.text))
        except ValidationError as error:
            problem = _problem(completion, error)
        else:
            values = {name: getattr(reply, name) for name in schema.model_fields}
            return Decision(schema.model_construct(**values), getattr(reply, "reason", ""), invalid)
        if completion.finish is Finish.CANCELLED:
            break
        if completion.finish is Finish.LENGTH and not completion.text:
            # All of it was reasoning: nothing to repair, it needs the room to come to an end.
            thinking = THINKING_TOKENS
            continue
        repair = render("repair", problem=problem)
        shown = Message("assistant", completion.text[:REPLY_SHOWN] or "(nothing)")
        wanted = [*wanted, shown, Message("user", repair)]
    raise InvalidReplyError(f"{model.name} gave no valid {schema.__name__}: {problem}.")


def longest_reply(schema: Mapping[str, Any]) -> int:
    """Most tokens that a reply in the form of a JSON schema may need, a token being a byte at worst.

    The reply may be written with or without spaces and escapes, not with white space beyond these.

    Raises:
        ValueError: If the schema has a text, a list or a whole number without bounds.
    """
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return max(len(json.dumps(each)) for each in values)  # escapes are longer than bytes
    if "anyOf" in schema:
        return max(longest_reply(each) for each in schema["anyOf"])
    match schema.get("type"):
        case "object" if not schema.get("additionalProperties"):
            parts = schema.get("properties", {})
            return 2 + sum(len(json.dumps(name)) + 4 + longest_reply(part) for name, part in parts.items())
        case "array":
            if "maxItems" not in schema or "items" not in schema:
                raise ValueError("a list without maxItems")
            return int(2 + schema["maxItems"] * (2 + longest_reply(schema["items"])))
        case "string":
            if "maxLength" not in schema:
                raise ValueError("a text without maxLength")
            return int(2 + 12 * schema["maxLength"])  # at worst two times \u and four digits
        case "boolean" | "null":
            return 5
        case "integer":
            if "minimum" not in schema or "maximum" not in schema:
                raise ValueError("a whole number without minimum or maximum")
            return max(len(str(schema["minimum"])), len(str(schema["maximum"])))
        case "number":
            return 24
    raise ValueError(f"a schema of a kind that is not known: {dict(schema)}")


def _with_reason(schema: type[BaseModel]) -> type[BaseModel]:
    """The schema with the reason as its first field."""
    fields: dict[str, Any] = {"reason": (str, Field(max_length=REASON_CHARACTERS))}
    fields |= {name: (field.annotation, field) for name, field in schema.model_fields.items()}
    return create_model(schema.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def _inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema without titles, descriptions and references, which not every server follows."""
    parts = schema.get("$defs", {})

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        if "$ref" in value:
            return plain(parts[value["$ref"].rpartition("/")[2]])
        kept = {name: each for name, each in value.items() if name not in {"title", "description", "$defs"}}
        if isinstance(kept.get("properties"), Mapping):
            properties = {name: plain(each) for name, each in value["properties"].items()}
            rest = {name: plain(each) for name, each in kept.items() if name != "properties"}
            return rest | {"properties": properties}
        return {name: plain(each) for name, each in kept.items()}

    found: dict[str, Any] = plain(schema)
    return found


def _json_of(text: str) -> str:
    """The outermost JSON object in a reply that may have words or a code fence around it."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def _problem(completion: Completion, error: ValidationError) -> str:
    if completion.finish is Finish.LENGTH:
        return f"it was cut off after {completion.completion_tokens} tokens"
    if completion.finish is Finish.CANCELLED:
        return "it was cancelled or out of time"
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
