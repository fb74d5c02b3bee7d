"""The real window of an endpoint's model, asked in each way that a known kind of server has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reader.models.endpoint_connection import Connection
from reader.models.endpoint_faults import is_unreachable

__all__ = ["DEFAULT_WINDOW", "Window", "ask_models", "ask_window"]

DEFAULT_WINDOW: Final = 8192
# What Ollama gives a model on a small machine if nobody says otherwise, whatever the model could have; it
# cuts longer prompts without a word (docs/faq, "How can I specify the context window size?").
OLLAMA_WINDOW: Final = 4096

# In an entry of /v1/models or in its "meta": vLLM, SGLang; llama.cpp; LM Studio; OpenRouter; Groq; Mistral;
# Together; LiteLLM. What a running model has comes before what it was trained with.
_FIELDS: Final = (
    "max_model_len",
    "n_ctx",
    "loaded_context_length",
    "context_length",
    "context_window",
    "max_context_length",
    "max_input_tokens",
)


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens of prompt and reply together, and whether the server told so or it is only a guess."""

    tokens: int
    known: bool


async def ask_models(connection: Connection) -> list[dict[str, Any]]:
    """The entries of `/v1/models`; none if the server does not tell in time.

    Raises:
        openai.APIConnectionError: If the server cannot be reached.
    """
    try:
        async with asyncio.timeout(connection.timeouts.asking):
            content = await _told(connection, "/models")
    except TimeoutError:
        return []
    entries = content.get("data") or content.get("models") or []
    if not isinstance(entries, list):
        return []
    return [each for each in entries if isinstance(each, dict) and isinstance(each.get("id"), str)]


async def ask_window(connection: Connection, model: str) -> Window:
    """What the server says about the window of the model, or the default where it says nothing in time.

    Raises:
        openai.APIConnectionError: If the server cannot be reached.
    """
    try:
        async with asyncio.timeout(connection.timeouts.asking):
            return await _find_window(connection, model)
    except TimeoutError:
        return Window(DEFAULT_WINDOW, known=False)


async def _find_window(connection: Connection, model: str) -> Window:
    entries = await ask_models(connection)
    mine = [each for each in entries if each["id"] == model]
    # llama.cpp serves one model under whatever name it is asked for.
    entry = (mine or entries if len(entries) == 1 else mine or [{}])[0]
    meta = entry.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    found = _first(entry, _FIELDS) or _first(meta, _FIELDS)
    if found is not None:
        return Window(found, known=True)
    if "n_ctx_train" in meta or entry.get("owned_by") == "llamacpp":
        return await _llama_window(connection, meta)
    if (found_there := await _ollama_window(connection, model)) is not None:
        return found_there
    return Window(DEFAULT_WINDOW, known=False)


async def _llama_window(connection: Connection, meta: Mapping[str, Any]) -> Window:
    """llama.cpp tells in its list what the model was trained with, and in /props what one request gets."""
    settings = (await _told(connection, f"{connection.root}/props")).get("default_generation_settings")
    if isinstance(settings, dict) and (found := _first(settings, ("n_ctx",))) is not None:
        return Window(found, known=True)
    return Window(min(_first(meta, ("n_ctx_train",)) or DEFAULT_WINDOW, DEFAULT_WINDOW), known=False)


async def _ollama_window(connection: Connection, model: str) -> Window | None:
    """Ollama: what a loaded model has, else its own `num_ctx`, else the least that Ollama gives."""
    shown = await _told(connection, f"{connection.root}/api/show", {"model": model})
    information = shown.get("model_info")
    if not isinstance(information, dict):
        return None
    trained = next(
        (
            number
            for name in information
            if name.endswith(".context_length") and (number := _first(information, (name,)))
        ),
        None,
    )
    loaded = (await _told(connection, f"{connection.root}/api/ps")).get("models") or []
    for each in loaded if isinstance(loaded, list) else []:
        mine = isinstance(each, dict) and model in {each.get("name"), each.get("model")}
        if mine and (running := _first(each, ("context_length",))) is not None:
            return Window(running, known=True)
    asked = re.search(r"^\s*num_ctx\s+(\d+)", str(shown.get("parameters", "")), re.MULTILINE)
    if asked is not None:
        return Window(min(int(asked[1]), trained or int(asked[1])), known=True)
    return Window(min(trained or OLLAMA_WINDOW, OLLAMA_WINDOW), known=False)


async def _told(connection: Connection, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a server tells at a path; nothing if it has no such path or answers nonsense there."""
    from openai import APIError

    try:
        content = await (connection.get(path) if body is None else connection.post(path, body))
    except (APIError, ValueError) as error:
        if isinstance(error, APIError) and is_unreachable(error):
            raise
        return {}
    return content if isinstance(content, dict) else {}


def _first(content: Mapping[str, Any], names: Sequence[str]) -> int | None:
    """The first of these fields that holds a number of tokens."""
    for name in names:
        value = content.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
