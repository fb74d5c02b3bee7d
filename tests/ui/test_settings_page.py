"""The page of settings and health as Streamlit runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.config import load_settings
from app.library import Library
from tests.conftest import ForOneHome
from tests.servers import serving
from tests.ui.drawn import words
from ui.parts import model_form
from ui.views import settings

KEY = "sk-test-7f3a9c"
Open = Callable[[], AppTest]


def draw() -> None:
    from ui.views import settings

    settings.show()


@pytest.fixture
def reopened() -> list[str]:
    return []


@pytest.fixture
def open_page(
    home: Path, open_home: ForOneHome, tmp_path: Path, reopened: list[str], monkeypatch: pytest.MonkeyPatch
) -> Open:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_FILE", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    opened: list[Library] = [open_home(home)]

    def reopen() -> None:
        opened.append(open_home(home))
        reopened.append(opened[-1].settings.model)

    monkeypatch.setattr(settings, "library", lambda: opened[-1])
    monkeypatch.setattr(settings, "has_login", lambda: False)
    monkeypatch.setattr(settings, "may_change_settings", lambda: True)
    monkeypatch.setattr(model_form, "reopen", reopen)

    def opener() -> AppTest:
        page = AppTest.from_function(draw, default_timeout=300).run()
        assert not page.exception
        return page

    return opener


def test_what_works_without_a_model_and_that_all_is_well(open_page: Open, home: Path) -> None:
    page = open_page()
    assert "Everything works: asking, memory, summaries" in words(page)
    assert "Now: **extractive**" in words(page)
    for name in ("python", "database", "encoder", "indexes", "reader"):
        assert f"**{name}**" in words(page)
    assert "All is well" in words(page)
    assert str(home) in words(page).replace("\\", "")


def test_an_endpoint_is_listed_tested_and_chosen(open_page: Open, home: Path, reopened: list[str]) -> None:
    with serving(lambda body: "red") as server:
        server.models, server.key = ["fake", "other"], KEY
        page = open_page()
        page.radio(key="kind").set_value("openai").run()
        assert "An address and a model are needed" in words(page)
        page.text_input(key="address").set_value(server.base_url).run()
        page.text_input(key="key-0").set_value(KEY).run()
        page.button(key="list").click().run()
        assert "Models that it lists: 2" in words(page)
        assert server.requests == []
        page.button(key="test").click().run()
        assert "answered a tiny request" in words(page)
        page.button(key="use").click().run()
        assert not page.exception
    assert reopened == ["openai:fake"]
    assert "Questions are answered by openai\\:fake" in words(page)
    assert KEY not in words(page)
    assert page.text_input(key="key-1").value == ""
    kept = load_settings(home=home)
    assert (kept.model, kept.openai_base_url, kept.api_key) == ("openai:fake", server.base_url, KEY)


def test_an_endpoint_that_is_away_is_a_sentence_and_changes_nothing(
    open_page: Open, home: Path, reopened: list[str]
) -> None:
    page = open_page()
    page.radio(key="kind").set_value("openai").run()
    page.text_input(key="address").set_value("http://127.0.0.1:9/v1").run()
    page.button(key="list").click().run()
    assert not page.exception
    assert len(page.error) == 1
    page.text_input(key="address").set_value("no address").run()
    page.text_input(key="endpoint-model").set_value("fake").run()
    page.button(key="use").click().run()
    assert len(page.error) == 1
    assert reopened == []
    assert not (home / "clew.toml").exists()


def test_who_may_not_change_it_sees_only_how_each_thing_is(
    open_page: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "may_change_settings", lambda: False)
    page = open_page()
    assert "**database** · well" in words(page)
    assert str(home) not in words(page).replace("\\", "")
    assert "The administrators of this server choose" in words(page)
    checks = [each.value for each in page.markdown if "** · " in each.value]
    assert len(checks) >= 5
    assert all(each.rpartition("** · ")[2] in ("well", "warning", "problem") for each in checks), checks
    assert [each.key for each in page.button] == ["look"]


def test_what_the_environment_decides_is_said(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_MODEL", "extractive")
    page = open_page()
    assert "CLEW_MODEL is set in the environment" in words(page)
    page.radio(key="kind").set_value("hf").run()
    page.text_input(key="hf").set_value("somewhere/model").run()
    page.button(key="use").click().run()
    assert "is set by the environment" in words(page)
