"""The words of the pages, in the language of whoever looks at them: `t("chat.new")`.

They stand in `ui/texts/LANGUAGE/PAGE.toml`, one file a page, the same keys in every language.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import streamlit as st

__all__ = ["LANGUAGES", "chosen_language", "language", "t", "text_in", "texts_of"]

TEXTS: Final = Path(__file__).with_name("texts")
LANGUAGES: Final = {"en": "English", "zh": "中文"}
DEFAULT: Final = "en"
KEY: Final = "language"


def t(name: str, /, **values: object) -> str:
    """A text of the pages, with values put in; these are shown as they are, so escape them for Markdown.

    Raises:
        KeyError: If there is no such text, or a value that it names is not given.
    """
    return text_in(language(), name, **values)


def text_in(code: str, name: str, /, **values: object) -> str:
    """A text in one language; errors as for `t`."""
    return texts_of(code)[name].format_map(values)


def language() -> str:
    """The language of this session: chosen, else the one that the browser asks for, else English."""
    chosen = st.session_state.get(KEY) or st.query_params.get("lang", "")
    if chosen in LANGUAGES:
        return str(chosen)
    asked = (st.context.locale or DEFAULT).partition("-")[0].lower()
    return asked if asked in LANGUAGES else DEFAULT


def chosen_language(code: str) -> None:
    """Keep a choice for this session, and in the address for a reload."""
    st.session_state[KEY] = code
    st.query_params["lang"] = code


@cache
def texts_of(code: str) -> dict[str, str]:
    """All texts of a language by their names, "PAGE.KEY"."""
    found: dict[str, str] = {}
    for file in sorted((TEXTS / code).glob("*.toml")):
        for name, text in _flat(tomllib.loads(file.read_text(encoding="utf-8"))):
            found[f"{file.stem}.{name}"] = text
    return found


def _flat(table: dict[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            pairs += [(f"{name}.{inner}", text) for inner, text in _flat(value)]
        else:
            pairs.append((name, str(value)))
    return pairs
