"""Settings: argument over environment over clew.toml over default."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import load_settings
from app.errors import SettingsError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("XDG_DATA_HOME", str(here / "data"))
    settings = load_settings()
    assert settings.home.name == "clew"
    assert settings.home.is_relative_to(here)
    assert (settings.model, settings.device, settings.encoder) == ("extractive", "auto", "all-MiniLM-L6-v2")
    assert settings.url == f"sqlite:///{settings.home / 'clew.sqlite'}"
    assert settings.indexes == settings.home / "indexes"
    assert list(here.iterdir()) == []  # asking for settings makes nothing


def test_argument_before_environment_before_file_before_default(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().encoder == "all-MiniLM-L6-v2"
    (here / "clew.toml").write_text('encoder = "of-the-file"\nparse_seconds = 3.5\n')
    assert load_settings().encoder == "of-the-file"
    monkeypatch.setenv("CLEW_ENCODER", "of-the-environment")
    assert load_settings().encoder == "of-the-environment"
    assert load_settings(encoder="of-the-argument").encoder == "of-the-argument"
    assert load_settings(encoder=None).encoder == "of-the-environment"
    assert load_settings().parse_seconds == 3.5  # each setting by itself


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("home", "/somewhere/else", Path("/somewhere/else")),
        ("model", "hf:some/model", "hf:some/model"),
        ("device", "cuda", "cuda"),
        ("encoder", "another", "another"),
        ("database_url", "postgresql://db/clew", "postgresql://db/clew"),
        ("parse_megabytes", "512", 512),
    ],
)
def test_every_setting_by_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: object
) -> None:
    monkeypatch.setenv(f"CLEW_{name.upper()}", value)
    assert getattr(load_settings(), name) == expected


def test_file_of_the_working_folder_goes_before_that_of_the_home(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = here / "home"
    home.mkdir()
    (home / "clew.toml").write_text('device = "cpu"\n')
    assert load_settings(home=home).device == "cpu"
    monkeypatch.setenv("CLEW_HOME", str(home))
    assert load_settings().device == "cpu"
    (here / "clew.toml").write_text('device = "cuda"\n')
    assert load_settings().device == "cuda"


def test_database_url_is_taken_as_it_is() -> None:
    assert load_settings(database_url="postgresql://db/clew").url == "postgresql://db/clew"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('colour = "blue"\n', "colour"),
        ('device = "tpu"\n', "device"),
        ("parse_seconds = 0\n", "parse_seconds"),
        ("parse_megabytes = 1\n", "parse_megabytes"),
        ("home = 7\n", "home"),
        ("device = \n", "clew.toml"),
        ("[clew]\ndevice = 'cpu'\n", "clew"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_that_names_it(here: Path, content: str, named: str) -> None:
    (here / "clew.toml").write_text(content)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_in_another_encoding_is_one_sentence(here: Path) -> None:
    (here / "clew.toml").write_bytes('encoder = "caf\u00e9"\n'.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"clew\.toml"):
        load_settings()


def test_environment_and_arguments_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="device"):
        load_settings(device="abacus")
    with pytest.raises(SettingsError, match="colour"):
        load_settings(colour="blue")
    monkeypatch.setenv("CLEW_PARSE_SECONDS", "soon")
    with pytest.raises(SettingsError, match="parse_seconds"):
        load_settings()


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.device = "cpu"


def test_the_endpoint_comes_from_its_own_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    settings = load_settings(home=tmp_path)
    assert (settings.openai_base_url, settings.api_key) == ("http://127.0.0.1:1/v1", "secret")
    assert "secret" not in repr(settings)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:2/v1")
    assert load_settings(home=tmp_path).openai_base_url == "http://127.0.0.1:2/v1"
    argument = load_settings(home=tmp_path, openai_base_url="http://127.0.0.1:3/v1")
    assert argument.openai_base_url == "http://127.0.0.1:3/v1"


def test_the_endpoint_can_stand_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "clew.toml").write_text('model = "openai:tiny"\nopenai_base_url = "http://127.0.0.1:4/v1"\n')
    settings = load_settings(home=tmp_path)
    assert (settings.model, settings.openai_base_url) == ("openai:tiny", "http://127.0.0.1:4/v1")


def test_a_key_file_is_read_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    settings = load_settings(home=tmp_path)
    with pytest.raises(SettingsError, match="key"):
        assert settings.api_key
    (tmp_path / "key").write_text("secret\n")
    assert settings.api_key == "secret"


@pytest.mark.parametrize("model", ["", "gpt", "hf:", "openai: ", "magic:thing"])
def test_a_model_of_no_known_kind_is_named(tmp_path: Path, model: str) -> None:
    with pytest.raises(SettingsError, match=r"'model'.*extractive, hf:"):
        load_settings(home=tmp_path, model=model)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 100),
        ("quantization", "2bit"),
        ("reason_first", "maybe"),
        ("demonstrations", 4),
        ("cache_megabytes", -1),
        ("in_flight", 0),
        ("request_seconds", float("inf")),
        ("max_rounds", -1),
        ("max_calls", 0),
        ("max_tokens", 10),
        ("max_seconds", 0),
    ],
)
def test_settings_of_the_model_have_bounds(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings(home=tmp_path, **{name: value})


@pytest.mark.parametrize(
    "line", ["trust_remote_code = true", 'openai_base_url = "http://x/v1"', 'openai_api_key = "y"']
)
def test_a_copied_folder_can_neither_run_code_nor_be_sent_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    folder, home = tmp_path / "copied", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    monkeypatch.chdir(folder)
    (folder / "clew.toml").write_text(f'model = "openai:tiny"\n{line}\n')
    with pytest.raises(SettingsError, match=line.partition(" ")[0]):
        load_settings(home=home)
    (folder / "clew.toml").write_text('model = "openai:tiny"\n')
    assert load_settings(home=home).model == "openai:tiny"
    (folder / "clew.toml").unlink()
    (home / "clew.toml").write_text(line)
    assert load_settings(home=home)


def test_a_key_with_white_space_around_it_is_that_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " secret\n")
    assert load_settings(home=tmp_path).api_key == "secret"
