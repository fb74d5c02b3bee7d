"""A model chosen on the pages: tried, written into the home's clew.toml, its key in a file of its own."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.config import Settings, load_settings, set_elsewhere
from app.errors import SettingsError
from app.model_choice import (
    ModelChoice,
    as_chosen,
    has_key,
    keep_choice,
    listed_models,
    shown_address,
    try_out,
)
from reader.errors import ModelError
from tests.conftest import write
from tests.servers import serving

KEY = "sk-test-7f3a9c"
HERE = "http://127.0.0.1:8000/v1"
ENDPOINT = ModelChoice("openai:fake", HERE, KEY)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "working").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "working")
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_FILE", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def now(home: Path) -> Settings:
    return load_settings(home=home)


def keys(home: Path) -> list[Path]:
    return sorted(home.glob("*.key"))


def test_a_choice_is_what_the_next_start_reads(home: Path) -> None:
    keep_choice(now(home), ENDPOINT)
    settings = now(home)
    assert (settings.model, settings.openai_base_url, settings.api_key) == ("openai:fake", HERE, KEY)
    keep_choice(settings, ModelChoice("extractive"))
    assert (now(home).model, now(home).api_key) == ("extractive", KEY)


def test_the_key_is_in_a_file_of_its_own_that_only_its_owner_reads(home: Path) -> None:
    keep_choice(now(home), ENDPOINT)
    (file,) = keys(home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY in file.read_text()
    assert KEY not in (home / "clew.toml").read_text()


def test_comments_order_and_rights_stay(home: Path) -> None:
    file = write(home / "clew.toml", '# mine\nwindow = 4096 # small\n\nmodel = "extractive" # for now\n')
    file.chmod(0o640)
    keep_choice(now(home), ModelChoice("hf:somewhere/model"))
    assert file.read_text() == ('# mine\nwindow = 4096 # small\n\nmodel = "hf:somewhere/model" # for now\n')
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in home.iterdir() if each.name.startswith(".")] == []


def test_a_link_stays_a_link(home: Path, tmp_path: Path) -> None:
    there = write(tmp_path / "elsewhere.toml", "window = 4096\n")
    (home / "clew.toml").symlink_to(there)
    keep_choice(now(home), ModelChoice("hf:model"))
    assert (home / "clew.toml").is_symlink()
    assert 'model = "hf:model"' in there.read_text()


def test_another_key_takes_the_place_of_the_first(home: Path) -> None:
    keep_choice(now(home), ENDPOINT)
    keep_choice(now(home), ModelChoice("openai:fake", key="sk-other-1"))
    assert now(home).api_key == "sk-other-1"
    assert len(keys(home)) == 1
    keep_choice(now(home), ModelChoice("openai:fake", key=""))
    assert (now(home).api_key, keys(home)) == ("", [])


def test_a_key_is_never_sent_to_another_address_than_its_own(home: Path) -> None:
    keep_choice(now(home), ENDPOINT)
    there = ModelChoice("openai:fake", "http://127.0.0.1:9/v1")
    assert as_chosen(now(home), there).api_key == ""
    keep_choice(now(home), there)
    assert (now(home).api_key, keys(home)) == ("", [])


def test_a_key_that_somebody_has_written_into_the_file_goes_with_its_address(home: Path) -> None:
    write(home / "clew.toml", f'openai_base_url = "{HERE}"\nopenai_api_key = "{KEY}"\n')
    keep_choice(now(home), ModelChoice("openai:fake", "http://127.0.0.1:9/v1", "sk-new-22"))
    assert KEY not in (home / "clew.toml").read_text()
    assert now(home).api_key == "sk-new-22"


def test_the_environment_goes_before_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_MODEL", "hf:model")
    assert set_elsewhere(home) == {"model": "environment"}
    with pytest.raises(SettingsError, match="'model' is set by the environment"):
        keep_choice(now(home), ModelChoice("extractive"))
    assert not (home / "clew.toml").exists()


def test_a_key_of_the_environment_holds_its_address(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(SettingsError, match="not sent anywhere else"):
        keep_choice(now(home), ModelChoice("openai:fake", HERE))
    write(home / "clew.toml", f'openai_base_url = "{HERE}"\n')
    with pytest.raises(SettingsError, match="'openai_api_key' is set by the environment"):
        keep_choice(now(home), ModelChoice("openai:fake", key="sk-mine-1"))


def test_a_file_of_the_working_folder_goes_before_it(home: Path) -> None:
    write(Path("clew.toml"), "window = 4096\n")
    assert set_elsewhere(home)["model"] == "working folder"
    with pytest.raises(SettingsError, match="set by the working folder"):
        keep_choice(now(home), ModelChoice("hf:model"))


def test_the_command_line_goes_before_it(home: Path) -> None:
    assert set_elsewhere(home, ["model"]) == {"model": "command line"}
    with pytest.raises(SettingsError, match="set by the command line"):
        keep_choice(now(home), ModelChoice("hf:model"), ["model", "home"])


@pytest.mark.parametrize(
    "choice",
    [
        ModelChoice("gpt"),
        ModelChoice("openai:"),
        ModelChoice("openai:fake"),
        ModelChoice("openai:fake", "no address"),
        ModelChoice("openai:fake", HERE, "two\nlines"),
    ],
)
def test_what_cannot_be_used_is_not_kept(home: Path, choice: ModelChoice) -> None:
    with pytest.raises((SettingsError, ModelError)):
        keep_choice(now(home), choice)
    assert list(home.iterdir()) == []


def test_a_file_that_cannot_be_read_is_left_alone(home: Path) -> None:
    settings = now(home)
    file = write(home / "clew.toml", "model = \n")
    with pytest.raises(SettingsError, match=r"clew\.toml cannot be read"):
        keep_choice(settings, ModelChoice("hf:model"))
    assert file.read_text() == "model = \n"


def test_models_are_listed_before_one_is_chosen(home: Path) -> None:
    with serving(lambda body: "Hello") as server:
        server.models, server.key = ["small", "large"], KEY
        choice = ModelChoice("openai:any", server.base_url, KEY)
        assert listed_models(as_chosen(now(home), choice)) == ("small", "large")
        assert server.requests == []
    with pytest.raises(ModelError):
        listed_models(as_chosen(now(home), choice))


def test_a_connection_is_tested_with_one_request(home: Path) -> None:
    with serving(lambda body: "red") as server:
        checks = try_out(as_chosen(now(home), ModelChoice("openai:fake", server.base_url)))
        assert len(server.requests) == 1
    found = {check.name: check for check in checks}
    assert found["endpoint"].state == "ok"
    assert "answered a tiny request" in found["endpoint"].detail
    away = try_out(as_chosen(now(home), ModelChoice("openai:fake", server.base_url)))
    assert [check.state for check in away if check.name == "endpoint"] == ["problem"]


def test_a_model_of_this_machine_is_not_loaded_to_be_tested(home: Path) -> None:
    checks = try_out(as_chosen(now(home), ModelChoice(f"hf:{home / 'absent'}")))
    assert "problem" in {check.state for check in checks}
    assert "probe" not in {check.name for check in checks}


def test_a_key_whose_file_is_gone_can_be_given_again(home: Path) -> None:
    keep_choice(now(home), ENDPOINT)
    keys(home)[0].unlink()
    assert not has_key(now(home))
    keep_choice(now(home), ModelChoice("openai:fake", key="sk-again-1"))
    assert now(home).api_key == "sk-again-1"


def test_neither_key_nor_password_is_shown(home: Path) -> None:
    assert KEY not in repr(ENDPOINT)
    keep_choice(now(home), ModelChoice("openai:fake", "http://ann:secret@127.0.0.1:8000/v1"))
    assert shown_address(now(home)) == HERE
    assert as_chosen(now(home), ModelChoice("openai:fake")).openai_base_url.startswith("http://ann:secret@")
