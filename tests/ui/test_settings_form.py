"""What the form of the page settings means, without a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import load_settings
from app.model_choice import ModelChoice
from tests.conftest import write
from ui.parts.model_form import choice_of, fixed_words, kind_of

SHOWN = "http://127.0.0.1:8000/v1"


def test_the_sort_of_a_model() -> None:
    models = ("extractive", "hf:Qwen/Qwen3-8B", "openai:a:b", "scripted:file")
    assert [kind_of(model) for model in models] == ["extractive", "hf", "openai", "scripted"]


def test_what_is_not_touched_stays() -> None:
    assert choice_of("openai", "m", SHOWN, SHOWN, "", False) == ModelChoice("openai:m")
    assert choice_of("openai", " m ", f" {SHOWN} ", SHOWN, " k ", False) == ModelChoice("openai:m", None, "k")
    assert choice_of("openai", "m", SHOWN, SHOWN, "", True) == ModelChoice("openai:m", None, "")
    assert choice_of("openai", "m", "http://x/v1", SHOWN, "", False) == ModelChoice("openai:m", "http://x/v1")


def test_other_sorts_say_nothing_of_an_endpoint() -> None:
    assert choice_of("extractive", "m", SHOWN, "", "k", False) == ModelChoice("extractive")
    assert choice_of("hf", "m", SHOWN, "", "k", False) == ModelChoice("hf:m")


def test_what_is_decided_elsewhere_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(home=tmp_path / "home")
    assert fixed_words(settings) == []
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
    monkeypatch.setenv("CLEW_MODEL", "extractive")
    told = fixed_words(settings)
    assert [words.split()[0] for words in told] == ["CLEW_MODEL", "OPENAI_API_KEY"]
    assert all("environment" in words and "sk-secret" not in words for words in told)
    write(tmp_path / "clew.toml", "window = 4096\n")
    assert len(fixed_words(settings)) == 4
