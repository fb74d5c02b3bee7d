"""Choosing what answers: nothing but the documents, a model of this machine, or one behind an endpoint."""

from __future__ import annotations

from typing import Final

import streamlit as st

from app.config import Settings, set_elsewhere
from app.model_choice import (
    ModelChoice,
    as_chosen,
    has_key,
    keep_choice,
    listed_models,
    shown_address,
    try_out,
)
from ui.errors import shown_errors
from ui.parts.check_list import draw_checks
from ui.plain import label
from ui.session import given_settings, reopen
from ui.words import t

__all__ = ["choice_of", "draw_model_form", "fixed_words", "kind_of"]

KINDS: Final = ("extractive", "hf", "openai")
NOTE: Final = "settings.note"
LISTED: Final = "settings.listed"
TRIED: Final = "settings.tried"
ROUND: Final = "settings.round"
"""How often a choice was kept: each time the field of the key begins anew, empty."""
WATCHED: Final = {
    "model": "CLEW_MODEL",
    "openai_base_url": "OPENAI_BASE_URL",
    "openai_api_key": "OPENAI_API_KEY",
    "openai_api_key_file": "OPENAI_API_KEY_FILE",
}
"""What is chosen here, as the environment calls it."""


def kind_of(model: str) -> str:
    """The sort of a model: "extractive", "hf", "openai" or "scripted"."""
    return model.partition(":")[0]


def choice_of(kind: str, name: str, address: str, shown: str, key: str, no_key: bool) -> ModelChoice:
    """What the controls say.

    Args:
        kind: Of the model.
        name: Of the model.
        address: Of the endpoint, as it was typed.
        shown: The address as it was shown there; unchanged, the one that is kept is meant, password and all.
        key: As it was typed; "" leaves what is kept.
        no_key: Whether what is kept is to go.
    """
    if kind == "extractive":
        return ModelChoice("extractive")
    model = f"{kind}:{name.strip()}"
    if kind != "openai":
        return ModelChoice(model)
    new = None if address.strip() == shown else address
    return ModelChoice(model, new, "" if no_key else key.strip() or None)


def fixed_words(settings: Settings) -> list[str]:
    """What of the choice is decided elsewhere, each in a sentence."""
    fixed = set_elsewhere(settings.home, given_settings())
    return [
        t(f"settings.fixed.{fixed[name].replace(' ', '_')}", name=variable)
        for name, variable in WATCHED.items()
        if name in fixed
    ]


def draw_model_form(settings: Settings, may: bool) -> None:
    """The controls; where somebody may not change it, what is chosen.

    Args:
        settings: As they are.
        may: Whether whoever looks at the page may change them.
    """
    st.write(t("settings.now", model=label(settings.model)))
    with st.container():
        for sentence in fixed_words(settings):
            st.info(sentence, icon=":material/lock:")
    if not may:
        st.info(t("settings.not_yours"), icon=":material/lock:")
        return
    choice = _controls(settings)
    if choice is None:
        return
    with st.container(horizontal=True):
        tried = st.button(t("settings.test"), key="test", icon=":material/network_check:")
        kept = st.button(t("settings.use"), key="use", type="primary", icon=":material/check:")
    if tried:
        with shown_errors(), st.spinner(t("settings.testing")):
            st.session_state[TRIED] = choice, try_out(as_chosen(settings, choice))
    if kept:
        with shown_errors(), st.spinner(t("settings.opening")):
            keep_choice(settings, choice, given_settings())
            reopen()
            st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
            st.session_state.pop(TRIED, None)
            st.session_state[NOTE] = t("settings.kept", model=label(choice.model))
            st.rerun()
    if TRIED in st.session_state and st.session_state[TRIED][0] == choice:
        draw_checks(st.session_state[TRIED][1])


def _controls(settings: Settings) -> ModelChoice | None:
    """What is chosen, None as long as something is missing."""
    now = kind_of(settings.model)
    kind = st.radio(
        t("settings.kind"),
        KINDS,
        index=KINDS.index(now) if now in KINDS else 0,
        key="kind",
        format_func=lambda each: t(f"settings.kinds.{each}"),
        captions=[t(f"settings.kind_help.{each}") for each in KINDS],
    )
    name = settings.model.partition(":")[2] if kind == now else ""
    if kind == "hf":
        name = st.text_input(t("settings.hf_name"), value=name, key="hf", placeholder="Qwen/Qwen3-8B")
        st.caption(t("settings.hf_help"))
        return choice_of(kind, name, "", "", "", False) if name.strip() else None
    return _endpoint(settings, name) if kind == "openai" else ModelChoice("extractive")


def _endpoint(settings: Settings, name: str) -> ModelChoice | None:
    shown = shown_address(settings)
    address = st.text_input(
        t("settings.address"), value=shown, key="address", placeholder="http://127.0.0.1:8000/v1"
    )
    kept = has_key(settings)
    fits = kept and address.strip() == shown
    key = st.text_input(
        t("settings.key"),
        key=f"key-{st.session_state.get(ROUND, 0)}",
        type="password",
        autocomplete="off",
        placeholder=t("settings.key_kept" if fits else "settings.key_none"),
        help=t("settings.key_help"),
    )
    no_key = fits and not key and st.checkbox(t("settings.no_key"), key="no-key")
    if kept and not fits:
        st.caption(t("settings.key_of_other"))
    if st.button(t("settings.list"), key="list", icon=":material/list:", disabled=not address.strip()):
        with shown_errors(), st.spinner(t("settings.testing")):
            asked = choice_of("openai", "unknown", address, shown, key, no_key)
            st.session_state[LISTED] = address, listed_models(as_chosen(settings, asked))
    name = _model_name(address, name)
    if not address.strip() or not name.strip():
        st.caption(t("settings.missing"))
        return None
    return choice_of("openai", name, address, shown, key, no_key)


def _model_name(address: str, name: str) -> str:
    """One of those that the endpoint lists, or any other."""
    where, names = st.session_state.get(LISTED, ("", ()))
    if where != address:
        return st.text_input(t("settings.model_name"), value=name, key="endpoint-model")
    if not names:
        st.warning(t("settings.lists_none"), icon=":material/info:")
        return st.text_input(t("settings.model_name"), value=name, key="endpoint-model")
    st.caption(t("settings.lists", n=len(names)))
    offered = list(names) if not name or name in names else [name, *names]
    chosen = st.selectbox(
        t("settings.model_name"), offered, key="listed-model", accept_new_options=True, filter_mode="contains"
    )
    return chosen or ""
