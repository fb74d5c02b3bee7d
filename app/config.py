"""Settings: argument, then environment, then clew.toml, then default; nothing else reads the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal, Self

from platformdirs import user_data_dir
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy import URL

from app.errors import SettingsError
from memory.activation import ActivationWeights
from memory.users import FIRST_USER
from retrieval.encoder import DEFAULT_ENCODER

__all__ = [
    "SetBy",
    "Settings",
    "before_ray",
    "before_serving",
    "load_settings",
    "set_elsewhere",
    "without_old_tracing",
]

SetBy = Literal["command line", "environment", "working folder"]
"""What goes before the clew.toml of the home."""

HERE: Final = Path("clew.toml")
_CHOSEN: Final = ActivationWeights()
OWN_FILE_ONLY: Final = {"trust_remote_code", "openai_base_url", "openai_api_key", "openai_api_key_file"}


class Settings(BaseSettings):
    """What a person can set; in the environment each name is preceded by CLEW_.

    Attributes:
        home: Folder of everything Clew keeps.
        model: The reader: "extractive" needs no language model; "hf:NAME_OR_FOLDER" runs one here,
            "openai:NAME" asks one at `openai_base_url`, "scripted:FILE" plays replies from a file.
        device: Where encoder and language model run; "auto" takes CUDA if torch sees it.
        encoder: A sentence-transformers model: packaged, a folder, or already downloaded.
        span_reader: Reads what search found together with the question: "embedded" is the one that ships,
            "off" leaves the order of the search, anything else is a question-answering model for
            transformers: a folder, or already downloaded.
        database_url: SQLAlchemy URL; SQLite in `home` when empty.
        parse_seconds: Wall clock for parsing one small file; larger files get more.
        parse_megabytes: Memory for parsing one file.
        window: Tokens of prompt and reply together; None takes what the model or its endpoint says.
        tokenizer: Counts tokens for an endpoint that cannot be asked: a folder, or a name on this machine.
        quantization: Of a model that runs here.
        trust_remote_code: Whether a model's own Python code may run here.
        reason_first: Whether decisions are reasoned first; "auto" from 30 billion parameters.
        demonstrations: Examples made from the document and shown before each answer.
        cache_megabytes: Greatest size of the cache of model replies; 0 keeps none.
        in_flight: Requests to an endpoint at once.
        request_seconds: Wall clock for one request to an endpoint, its retries included.
        max_rounds: Follow-up queries for one question.
        max_calls: Model calls for one question.
        max_tokens: Tokens of prompts and replies for one question.
        max_seconds: Wall clock for one question.
        walk_steps: Most steps of a walk down the summary trees.
        walk_leaves: Leaves that a walk pools.
        collapsed_tree: Whether search looks at all levels of the summary trees that are there as well.
        user: Whose threads and memory are meant; those of others are out of reach.
        memory: Whether earlier conversations are recalled, and facts remembered.
        memory_turns: Most turns that a question activates.
        flash_tokens: The turn before is given raw up to so many tokens, else as its summary.
        item_tokens: A turn of more is replaced by its summary, if that is enough, when all have more than ...
        activated_tokens: ... so many.
        memory_tokens: Most tokens of all turns that are given.
        recency_weight: Of a turn's recency in its activation, where relevance has 1.
        importance_weight: Of its importance.
        half_life_days: After so many days half of a turn's recency is gone.
        half_life_turns: The same, after so many turns that followed.
        upload_megabytes: Greatest size of a file that is uploaded to the pages.
        server_folder: A folder of the server whose files the pages may add; None allows none.
        trusted_network: Whether the pages may be served beyond this machine without a login.
        admins: Who may change settings on the pages where people log in: addresses that the provider has
            verified, or ISSUER SUBJECT.
        openai_base_url: Of the endpoint; also OPENAI_BASE_URL or OPENAI_API_BASE.
        openai_api_key: Also OPENAI_API_KEY, or the content of OPENAI_API_KEY_FILE.
        openai_api_key_file: A file with the key alone.
    """

    model_config = SettingsConfigDict(
        env_prefix="CLEW_", env_ignore_empty=True, extra="forbid", frozen=True, populate_by_name=True
    )

    home: Path = Field(default_factory=lambda: _default_home())
    model: str = "extractive"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    encoder: str = DEFAULT_ENCODER
    span_reader: str = "embedded"
    database_url: str = ""
    parse_seconds: float = Field(default=15.0, gt=0, le=86_400, allow_inf_nan=False)
    parse_megabytes: int = Field(default=2048, ge=64, le=1_000_000)

    window: int | None = Field(default=None, ge=1024, le=100_000_000)
    tokenizer: str = ""
    quantization: Literal["none", "8bit", "4bit"] = "none"
    trust_remote_code: bool = False
    reason_first: Literal["auto", "on", "off"] = "auto"
    demonstrations: int = Field(default=0, ge=0, le=3)
    cache_megabytes: int = Field(default=256, ge=0, le=1_000_000)
    in_flight: int = Field(default=8, ge=1, le=1024)
    request_seconds: float = Field(default=180.0, gt=0, le=86_400, allow_inf_nan=False)
    max_rounds: int = Field(default=2, ge=0, le=20)
    max_calls: int = Field(default=24, ge=1, le=10_000)
    max_tokens: int = Field(default=200_000, ge=1_000, le=1_000_000_000)
    max_seconds: float = Field(default=600.0, gt=0, le=604_800, allow_inf_nan=False)
    walk_steps: int = Field(default=24, ge=1, le=1_000)
    walk_leaves: int = Field(default=3, ge=1, le=50)
    collapsed_tree: Literal["on", "off"] = "off"
    user: str = Field(default=FIRST_USER, min_length=1, max_length=200)
    memory: Literal["on", "off"] = "on"
    memory_turns: int = Field(default=100, ge=1, le=10_000)
    flash_tokens: int = Field(default=500, ge=0, le=1_000_000)
    item_tokens: int = Field(default=800, ge=0, le=1_000_000)
    activated_tokens: int = Field(default=2_000, ge=0, le=1_000_000)
    memory_tokens: int = Field(default=2_500, ge=0, le=1_000_000)
    recency_weight: float = Field(default=_CHOSEN.recency, ge=0, le=10, allow_inf_nan=False)
    importance_weight: float = Field(default=_CHOSEN.importance, ge=0, le=10, allow_inf_nan=False)
    half_life_days: float = Field(default=_CHOSEN.half_life_days, gt=0, le=100_000, allow_inf_nan=False)
    half_life_turns: float = Field(default=_CHOSEN.half_life_turns, gt=0, le=1e9, allow_inf_nan=False)
    upload_megabytes: int = Field(default=500, ge=1, le=100_000)
    server_folder: Path | None = None
    trusted_network: bool = False
    admins: tuple[str, ...] = ()
    openai_base_url: str = Field(
        default="",
        validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL", "OPENAI_API_BASE"),
    )
    openai_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY")
    )
    openai_api_key_file: Path | None = Field(
        default=None, validation_alias=AliasChoices("openai_api_key_file", "OPENAI_API_KEY_FILE")
    )

    @model_validator(mode="after")
    def _known_model(self) -> Self:
        kind, _, name = self.model.partition(":")
        if self.model != "extractive" and (kind not in {"hf", "openai", "scripted"} or not name.strip()):
            raise ValueError(
                f"{self.model!r} is none of extractive, hf:NAME_OR_FOLDER, openai:NAME, scripted:FILE"
            )
        return self

    @model_validator(mode="after")
    def _budgets_fit(self) -> Self:
        if self.activated_tokens > self.memory_tokens:
            raise ValueError(
                f"activated_tokens {self.activated_tokens} is more than memory_tokens {self.memory_tokens}"
            )
        return self

    @field_validator("home", mode="before")
    @classmethod
    def _whole_path(cls, value: object) -> object:
        """Nothing means the default, and ~ the user's folder."""
        if value == "":
            return _default_home()
        return Path(value).expanduser() if isinstance(value, str | Path) else value

    @property
    def api_key(self) -> str:
        """The key of the endpoint, "" if there is none.

        Raises:
            SettingsError: If the file that should hold it cannot be read.
        """
        if self.openai_api_key.get_secret_value() or self.openai_api_key_file is None:
            return self.openai_api_key.get_secret_value().strip()
        try:
            return self.openai_api_key_file.expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The key file {self.openai_api_key_file} cannot be read: {error}."
            ) from error

    @property
    def plain(self) -> dict[str, Any]:
        """All of them as `load_settings` takes them in another process, the key readable."""
        return self.model_dump(mode="json") | {
            "home": str(self.home.absolute()),
            "openai_api_key": self.api_key,
            "openai_api_key_file": None,
        }

    @property
    def checkpoints(self) -> Path:
        """The file with the questions that are being answered."""
        return self.home / "checkpoints.sqlite"

    @property
    def url(self) -> str:
        """The database that is meant."""
        # Not by hand: a folder may have %, ? or # in its name.
        file = URL.create("sqlite", database=str(self.home.absolute() / "clew.sqlite"))
        return self.database_url or file.render_as_string()

    @property
    def indexes(self) -> Path:
        """Folder of the indexes; it can be deleted at any time."""
        return self.home / "indexes"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Argument > environment > file; the file is clew.toml in the working folder, else in the home."""
        home = init_settings().get("home")
        file = _settings_file(home)
        written = TomlConfigSettingsSource(settings_cls, file)
        if file == HERE and HERE.resolve() != _own_file(home).resolve():
            # A folder that was copied from somewhere must neither run code nor be sent the key.
            for name in OWN_FILE_ONLY & written().keys():
                raise SettingsError(
                    f"The setting {name!r} cannot stand in a clew.toml of the working folder: "
                    "put it into the one in CLEW_HOME, or into the environment."
                )
        return init_settings, env_settings, written


def load_settings(**arguments: Any) -> Settings:
    """The settings of this process; arguments that are None do not count.

    Raises:
        SettingsError: If one is unknown or malformed.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "model"
        raise SettingsError(f"The setting {name!r} cannot be used: {first['msg']}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(
            f"{_settings_file(given.get('home'))} cannot be read as TOML: {error}."
        ) from error


def set_elsewhere(home: Path, given: Iterable[str] = ()) -> dict[str, SetBy]:
    """The settings over which the clew.toml of the home has no say, each with what decides it.

    Where the working folder has a clew.toml of its own, the one of the home is not read at all.

    Args:
        home: The home.
        given: Names of settings that the command line sets.
    """
    found: dict[str, SetBy] = {}
    if HERE.exists() and HERE.resolve() != _own_file(home).resolve():
        found = dict.fromkeys(Settings.model_fields, "working folder")
    found |= dict.fromkeys(EnvSettingsSource(Settings)(), "environment")
    return found | dict.fromkeys(given, "command line")


def without_old_tracing() -> None:
    """Take two variables of LangChain from the environment with which LangGraph refuses to run.

    They asked for tracing in versions long gone; nothing is traced here in any case (promise 9).
    """
    for name in ("LANGCHAIN_TRACING", "LANGCHAIN_HANDLER"):
        os.environ.pop(name, None)


def before_ray(loopback: bool) -> None:
    """Set what Ray reads when it is imported: it reports nothing over the network (promise 9).

    With `loopback` it stays on 127.0.0.1; by itself it takes another address of this machine for that one.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if loopback:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def before_serving() -> None:
    """Set what torch and FAISS read when they are loaded: one thread for each call, unless it is set already.

    A server answers several people at once, and threads of theirs that wait for each other cost it a third
    more CPU time for every question (tests/benchmarks/sessions.py).
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _default_home() -> Path:
    return Path(user_data_dir("clew", appauthor=False))


def _settings_file(home: object = None) -> Path:
    return HERE if HERE.exists() else _own_file(home)


def _own_file(home: object) -> Path:
    """The one in the home."""
    return Path(str(home or os.environ.get("CLEW_HOME") or _default_home())).expanduser() / "clew.toml"
