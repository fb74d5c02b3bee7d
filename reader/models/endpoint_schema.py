"""Replies that follow a schema: what a server is asked, what it turns out to accept and to enforce."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final

from reader.chat import Message, Request
from reader.models.endpoint_refusals import CAP, SCHEMA

__all__ = ["Dialect", "decision_of", "fits", "options_of"]

MOST_OPTIONS: Final = 26
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Dialect:
    """What one server and model understand of a request, learnt from its refusals; safe between threads.

    Attributes:
        enforces: Whether the server keeps replies to a schema; None as long as it was not seen.
        decides: Whether the server has the typed decisions of `transformers serve`; None before it was asked.
    """

    def __init__(self) -> None:
        self.enforces: bool | None = None
        self.decides: bool | None = None
        self._dropped: set[str] = set()
        self._refused_schemas: set[str] = set()
        self._lock = threading.Lock()

    def body(self, model: str, request: Request, without: Collection[str] = ()) -> dict[str, Any]:
        """The request in the fields that the server takes, less those parts that it has just refused."""
        left_out = self._dropped | set(without)
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": each.role, "content": each.content} for each in request.messages],
            "max_completion_tokens" if CAP in left_out else CAP: request.max_tokens,
            "temperature": request.temperature,
            "stream_options": {"include_usage": True},
        }
        if request.seed is not None:
            body["seed"] = request.seed
        refused = SCHEMA in without or _hashed(request.schema) in self._refused_schemas
        if request.schema is not None and not refused:
            schema = {"name": "reply", "schema": request.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return {name: value for name, value in body.items() if name not in left_out}

    def learns(self, without: Collection[str], request: Request) -> None:
        """Leave these parts out from now on: a server that refused a request took it without them."""
        with self._lock:
            self._dropped = self._dropped | (set(without) - {SCHEMA})
            if SCHEMA in without:
                self._refused_schemas = self._refused_schemas | {_hashed(request.schema)}
            if "response_format" in without:
                self.enforces = False

    def judges(self, text: str, schema: Mapping[str, Any], whole: bool) -> bool:
        """Whether a reply to a request with that schema was enforced, as far as can be told.

        A server that sent one whole reply that does not fit takes the field and does nothing with it.
        """
        try:
            good = fits(json.loads(text), schema)
        except ValueError:
            good = False
        with self._lock:
            if good and self.enforces is None:
                self.enforces = True
            elif not good and whole:
                self.enforces = False
            return good and self.enforces is True


def fits(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> bool:
    """Whether a value has the outline of a schema: types, options, required and unknown fields, items.

    Limits of numbers, lengths and patterns are left to whoever reads the reply.
    """
    root = schema if root is None else root
    if "$ref" in schema:
        return fits(value, _resolved(schema["$ref"], root), root)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return any(fits(value, each, root) for each in schema[several])
    if "const" in schema or "enum" in schema:
        return any(
            type(value) is type(each) and value == each for each in schema.get("enum", [schema.get("const")])
        )
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    if kinds and not any(_is_a(value, kind) for kind in kinds):
        return False
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        if not set(schema.get("required", ())) <= value.keys():
            return False
        if schema.get("additionalProperties") is False and not value.keys() <= fields.keys():
            return False
        return all(fits(each, fields[name], root) for name, each in value.items() if name in fields)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return all(fits(each, schema["items"], root) for each in value)
    return True


def options_of(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a schema lets choose among: the words of each option, and the value that the reply then is.

    That is a constant or an enumeration of distinct strings and integers, alone or as the only field of an
    object; None for every other schema, and for more options than `transformers serve` has letters for.
    """
    field: str | None = None
    inner: Mapping[str, Any] = schema
    if schema.get("type") == "object" and len(schema.get("properties", {})) == 1:
        ((field, inner),) = schema["properties"].items()
        if "$ref" in inner:
            inner = _resolved(inner["$ref"], schema)
    options = [inner["const"]] if "const" in inner else inner.get("enum")
    if not options or len(options) > MOST_OPTIONS:
        return None
    if any(isinstance(each, bool) or not isinstance(each, str | int) or each == "" for each in options):
        return None
    found = {str(each): each if field is None else {field: each} for each in options}
    return found if len(found) == len(options) else None


def decision_of(model: str, messages: tuple[Message, ...], options: Mapping[str, Any]) -> dict[str, Any]:
    """What `/v1/systemone` of `transformers serve` is asked: it weighs the letters of the options once."""
    state = "\n\n".join(
        each.content if each.role != "assistant" else f"Assistant: {each.content}" for each in messages
    )
    return {
        "model": model,
        "state": state,
        "questions": {"reply": {"type": "choice", "criteria": dict.fromkeys(options)}},
    }


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, (object,))) or (
        kind == "integer" and isinstance(value, float) and value.is_integer()
    )


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a schema that "#/$defs/Name" names; an empty one, which allows all, if there is none."""
    found: Any = root
    for name in reference.removeprefix("#/").split("/"):
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _hashed(schema: Mapping[str, Any] | None) -> str:
    return json.dumps(schema, sort_keys=True, default=str)
