"""What an endpoint's failures mean: an error that a user can act on, and whether it may pass.

The words of the servers are those of OpenAI, vLLM, llama.cpp, Ollama, LM Studio and `transformers serve`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from reader.errors import (
    EndpointBusyError,
    EndpointRefusedError,
    EndpointReplyError,
    EndpointTimeoutError,
    EndpointUnreachableError,
    ModelError,
    ModelNotFoundError,
    RequestRefusedError,
    WindowError,
)
from reader.models.endpoint_quoted import unquoted
from reader.models.retrying import PassingFault, retry_after

if TYPE_CHECKING:
    from openai import APIError

__all__ = [
    "fault_in_stream",
    "fault_of",
    "is_too_long",
    "is_unreachable",
    "names_unknown_model",
    "said",
    "window_that_is_told",
]

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_EXCERPT: Final = 300

_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum (context|model) length"
    r"|context (length|window|size) (is|of|was|exceeded|limit)|exceeds? (the )?(\w+ ){0,3}context"
    r"|longer than the (maximum )?(model|context)|(prompt|input) is too long|max_model_len"
    r"|reduce the length of the (messages|input|prompt)|decoder prompt \(length \d+\)",
    re.IGNORECASE,
)
# The window in them, most telling first. A number that belongs to the prompt must not match.
_WINDOWS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\"?n_ctx\"?'?\s*[:=]\s*(\d+)",
        r"available context size \((\d+)",
        r"(?:maximum|max) (?:context|model|sequence) length(?: of| is|:)?(?: only)? ?\(?(\d+)",
        r"context (?:length|window|size)(?: limit)?(?: is| of| was|:)?(?: only)? ?\(?(\d+)",
        r"max_model_len\W+(\d+)",
        r"(?:maximum|limit|at most)(?: of| is)? (\d+) (?:input )?tokens",
        r"> (\d+) maximum",
    )
)
_UNKNOWN_MODEL: Final = re.compile(
    r"model_not_found|\bmodels?\b.{0,200}\b(not found|does not exist|doesn't exist|not exist|unknown)\b"
    r"|\b(unknown|no such|invalid) model\b|server is pinned to|invalid model identifier",
    re.IGNORECASE | re.DOTALL,
)
_POLICY: Final = re.compile(
    r"content[ _-]?(policy|filter|management)|responsible ?ai|moderation|flagged|safety (system|policy)",
    re.IGNORECASE,
)


def said(content: object) -> str:
    """The message in an error's body, whatever its form: OpenAI's, FastAPI's, plain text, a page."""
    if isinstance(content, Mapping):
        for name in ("error", "message", "detail", "msg"):
            if content.get(name):
                return said(content[name])
        return json.dumps(dict(content), default=str)[:_EXCERPT]
    if isinstance(content, list):
        return "; ".join(said(each) for each in content[:3])
    text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", str(content or ""), flags=re.DOTALL)
    return " ".join(text.split())[:_EXCERPT]


def window_that_is_told(text: str) -> int | None:
    """Tokens of the window, from an error's words; None if they do not say."""
    for pattern in _WINDOWS:
        found = pattern.search(text)
        if found is not None and int(found[1]) > 0:
            return int(found[1])
    return None


def is_too_long(text: str) -> bool:
    """Whether an error's words mean that prompt and reply do not fit into the window."""
    return _TOO_LONG.search(text) is not None


def names_unknown_model(code: int, text: str) -> bool:
    """Whether that refusal means that the server does not have the model."""
    return code in {400, 404, 422} and _UNKNOWN_MODEL.search(text) is not None


def is_unreachable(error: APIError) -> bool:
    """Whether nobody accepts a connection, other than one that breaks."""
    from openai import APIConnectionError, APITimeoutError

    names = {each.__name__ for each in type(error.__cause__).__mro__}
    return isinstance(error, APITimeoutError) or (
        isinstance(error, APIConnectionError) and "ConnectError" in names
    )


def fault_of(error: APIError, url: str, model: str, sent: Sequence[str] = ()) -> ModelError | PassingFault:
    """What an error of the client means, before anything of a reply has come.

    Args:
        error: Of the client.
        url: Of the server, for the error.
        model: For the error.
        sent: What documents and the user say in the request; a server that repeats it says nothing by it.
    """
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APIStatusError):
        content = error.body or error.response.text
        return _refusal(error.status_code, content, error.response.headers, url, model, sent)
    if isinstance(error, APITimeoutError):
        return PassingFault(
            EndpointTimeoutError(f"{url} does not accept the connection in time; {_ADDRESS}.")
        )
    if isinstance(error, APIConnectionError):
        cause = error.__cause__
        if is_unreachable(error):
            return PassingFault(EndpointUnreachableError(f"{url} cannot be reached ({cause}); {_ADDRESS}."))
        return PassingFault(
            EndpointReplyError(f"{url} closed the connection without an answer ({type(cause).__name__}).")
        )
    return fault_in_stream(error.body or error.message, url, model, sent)


def fault_in_stream(
    content: object, url: str, model: str, sent: Sequence[str] = ()
) -> ModelError | PassingFault:
    """What an error means that a server sends in place of the next part of a reply."""
    code = content.get("code") if isinstance(content, Mapping) else None
    if (isinstance(code, int) and 400 <= code < 600) or is_too_long(unquoted(str(content), sent)):
        return _refusal(code if isinstance(code, int) else 400, content, {}, url, model, sent)
    return PassingFault(EndpointReplyError(f"{url} broke off its reply: {said(content)}"))


def _refusal(
    code: int, content: Any, headers: Mapping[str, str], url: str, model: str, sent: Sequence[str]
) -> ModelError | PassingFault:
    message, whole = said(content), unquoted(str(content), sent)
    if code in {400, 413, 422, 500} and is_too_long(whole):
        window = window_that_is_told(whole)
        return WindowError(
            f"The prompt and its reply do not fit into the window of {model}: {message}", window
        )
    if names_unknown_model(code, whole):
        return ModelNotFoundError(f"{url} has no model {model!r}: {message}")
    if code == 403 and _POLICY.search(whole):
        return RequestRefusedError(f"{url} refuses the request ({code}: {message}).")
    if code in {401, 403}:
        return EndpointRefusedError(
            f"{url} refuses the key ({code}: {message}); set OPENAI_API_KEY to a valid one."
        )
    if code == 429 and "insufficient_quota" in whole:
        return EndpointRefusedError(f"{url}: the account's quota is used up ({message}).")
    if code in _PASSING:
        wait = retry_after(headers)
        asked = "" if wait is None else f", it asks to wait {wait:.0f} s"
        return PassingFault(EndpointBusyError(f"{url} is busy or failing ({code}: {message}{asked})."), wait)
    if code == 404:
        return EndpointRefusedError(f"{url} has no chat completions (404: {message}); {_ADDRESS}.")
    return RequestRefusedError(f"{url} refuses the request ({code}: {message}).")


_ADDRESS: Final = "check OPENAI_BASE_URL, which mostly ends in /v1, and that the server runs"
