"""Which field of a request a server refuses, told from its error and from nothing that a document says.

Servers quote in their errors what they were sent. A quoted document is data: it must not switch a feature
off or change what is known of the window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from reader.models.endpoint_faults import is_too_long, said
from reader.models.endpoint_quoted import unquoted

__all__ = ["CAP", "SCHEMA", "refused_part"]

CAP: Final = "max_tokens"
SCHEMA: Final = "schema"
"""That the schema is refused, and not schemas as such."""

_REFUSING: Final = frozenset({400, 404, 405, 415, 422})
# Field of the request: words by which servers name it when they refuse it.
_OPTIONAL: Final = {
    "stream_options": re.compile(r"stream_options|include_usage"),
    "response_format": re.compile(
        r"response_format|json[_ ]schema|guided_json|structured[_ ]output|grammar|additionalproperties"
    ),
    "seed": re.compile(r"\bseed\b"),
    "temperature": re.compile(r"\btemperature\b"),
}
_SCHEMA_ITSELF: Final = re.compile(
    r"invalid schema|grammar|features not supported|unsupported schema|additionalproperties"
)
_OTHER_CAP: Final = re.compile(r"use\W+max_completion_tokens|max_tokens\W.{0,40}(not |un)supported")
# pydantic repeats in its errors the whole input that it refuses.
_ECHO: Final = re.compile(r"[\"']?\binput(_value)?\b[\"']?\s*[=:].*", re.DOTALL)
_PLACE: Final = re.compile(r"[\"']loc[\"']\s*:\s*[(\[]([^)\]]*)[)\]]")
_WORD: Final = re.compile(r"\w+")


def refused_part(code: int, content: object, body: Mapping[str, Any]) -> str | None:
    """The part of a request that can be left out or said otherwise, where a refusal is about one.

    Args:
        code: Status of the refusal.
        content: Body of the refusal.
        body: Of the request.

    Returns:
        An optional field, `SCHEMA`, or `CAP` for the name of the field that caps the tokens.
    """
    if code not in _REFUSING:
        return None
    sent = [each["content"] for each in body["messages"]]
    if is_too_long(unquoted(str(content), sent)):
        return None
    words = _ECHO.sub("", unquoted(said(content), sent)).lower()
    places = list(_places(content))
    if CAP in body and _OTHER_CAP.search(words) and (not places or CAP in places):
        return CAP
    # The server says where; if that is a part of the request that must be, nothing can be left out.
    if any(place in body for place in places):
        field = next((place for place in places if place in _OPTIONAL and place in body), None)
    else:
        field = next(
            (name for name, named in _OPTIONAL.items() if name in body and named.search(words)), None
        )
    if field == "response_format" and _SCHEMA_ITSELF.search(words):
        return SCHEMA
    return field


def _places(content: object) -> Iterator[str]:
    """The names of fields that an error says it is about: `param` of OpenAI, `loc` of FastAPI."""
    if isinstance(content, str):
        spelled = (_WORD.findall(found[1]) for found in _PLACE.finditer(content))
        yield from chain.from_iterable(spelled)
    elif isinstance(content, list):
        yield from chain.from_iterable(_places(each) for each in content)
    elif isinstance(content, Mapping):
        if isinstance(content.get("param"), str):
            yield from _WORD.findall(content["param"])
        if isinstance(content.get("loc"), list | tuple):
            yield from (each for each in content["loc"] if isinstance(each, str))
        for name in ("error", "errors", "detail", "message"):
            yield from _places(content.get(name))
