"""Settings: argument, then environment, then clew.toml, then default; nothing else reads the environment."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_dir
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy import URL

from app.errors import SettingsError
from retrieval.encoder import DEFAULT_ENCODER

__all__ = ["Settings", "load_settings"]


class Settings(BaseSettings):
    """What a person can set; in the environment each name is preceded by CLEW_.

    Attributes:
        home: Folder of everything Clew keeps.
        model: The reader; "extractive" needs no language model.
        device: Where the encoder runs; "auto" takes CUDA if torch sees it.
        encoder: A sentence-transformers model: packaged, a folder, or already downloaded.
        database_url: SQLAlchemy URL; SQLite in `home` when empty.
        parse_seconds: Wall clock for parsing one small file; larger files get more.
        parse_megabytes: Memory for parsing one file.
    """

    model_config = SettingsConfigDict(env_prefix="CLEW_", extra="forbid", frozen=True)

    home: Path = Field(default_factory=lambda: _default_home())
    model: str = "extractive"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    encoder: str = DEFAULT_ENCODER
    database_url: str = ""
    parse_seconds: float = Field(default=15.0, gt=0, le=86_400, allow_inf_nan=False)
    parse_megabytes: int = Field(default=2048, ge=64, le=1_000_000)

    @field_validator("home", mode="before")
    @classmethod
    def _whole_path(cls, value: object) -> object:
        """Nothing means the default, and ~ the user's folder."""
        if value == "":
            return _default_home()
        return Path(value).expanduser() if isinstance(value, str | Path) else value

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _settings_file(home))


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
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"The setting {name!r} cannot be used: {first['msg']}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(
            f"{_settings_file(given.get('home'))} cannot be read as TOML: {error}."
        ) from error


def _default_home() -> Path:
    return Path(user_data_dir("clew", appauthor=False))


def _settings_file(home: object = None) -> Path:
    here = Path("clew.toml")
    if here.exists():
        return here
    return Path(str(home or os.environ.get("CLEW_HOME") or _default_home())).expanduser() / "clew.toml"
