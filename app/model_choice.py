"""Which reader answers: tried before it is chosen, then written where every start reads it.

The choice stands in the clew.toml of the home, of which everything else stays as somebody has written it. A
key stands in a file of its own that nobody else may read. It belongs to the address that it was given for:
whoever may change the address must not have a key sent there that somebody else has typed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import tomlkit
from filelock import FileLock
from pydantic import SecretStr
from tomlkit.exceptions import TOMLKitError

from app.bootstrap import connect_endpoint
from app.checks import Check
from app.config import Settings, load_settings, set_elsewhere
from app.errors import SettingsError
from app.reader_checks import reader_checks
from reader.errors import ModelError
from reader.models.endpoint_connection import Address

__all__ = ["ModelChoice", "as_chosen", "has_key", "keep_choice", "listed_models", "shown_address", "try_out"]

SETTINGS: Final = "clew.toml"
KEYS: Final = ("openai_api_key", "openai_api_key_file")
OWN_KEYS: Final = "endpoint-*.key"
"""Names of files with keys that were typed into the pages."""

PATIENCE: Final = 20.0
"""Seconds that somebody waits for an endpoint which may not be there."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What somebody chooses.

    Attributes:
        model: As the setting `model`.
        base_url: Of the endpoint; None leaves it.
        key: For the endpoint; None leaves it, unless the address changes, "" is none.
    """

    model: str
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)


def as_chosen(settings: Settings, choice: ModelChoice) -> Settings:
    """The settings as they would be, so that a choice can be tried.

    Raises:
        SettingsError: If there is no such sort of model.
    """
    url = settings.openai_base_url if choice.base_url is None else choice.base_url.strip()
    kept = _key(settings) if url == settings.openai_base_url else ""
    key = kept if choice.key is None else choice.key.strip()
    checked = load_settings(home=settings.home, model=choice.model)
    return settings.model_copy(
        update={
            "model": checked.model,
            "openai_base_url": url,
            "openai_api_key": SecretStr(key),
            "openai_api_key_file": None,
        }
    )


def listed_models(settings: Settings) -> tuple[str, ...]:
    """The names of the models that the endpoint has, as it lists them; some list none.

    Raises:
        SettingsError: If there is no address.
        ModelError: If the endpoint cannot be reached, or refuses.
    """
    model = connect_endpoint(_impatient(settings))
    try:
        return tuple(model.models())
    finally:
        model.close()


def shown_address(settings: Settings) -> str:
    """The address of the endpoint as it may be shown, without a password in it; "" if there is none."""
    if not settings.openai_base_url:
        return ""
    try:
        return Address.of(settings.openai_base_url).shown
    except ModelError:
        return ""


def try_out(settings: Settings) -> list[Check]:
    """What can be said of a model before a question is asked: an endpoint gets one tiny request.

    A model of this machine is measured and not loaded: a server would hold it twice.
    """
    return reader_checks(_impatient(settings), probe=not settings.model.startswith("hf:"))


def keep_choice(settings: Settings, choice: ModelChoice, given: Iterable[str] = ()) -> None:
    """Write a choice into the clew.toml of the home; whoever opens the library from now on goes by it.

    Args:
        settings: As they are.
        choice: What is chosen.
        given: Names of settings that the command line of this process sets.

    Raises:
        SettingsError: If it cannot be used or written, or something that goes before that file decides.
        ModelError: If the address is none, or the key cannot be sent.
    """
    chosen = as_chosen(settings, choice)
    if chosen.model.startswith("openai:"):
        connect_endpoint(chosen).close()  # sends nothing
    changed = _changed(settings, choice, chosen)
    _check_free(settings, changed, given)
    file = settings.home / SETTINGS
    try:
        with FileLock(settings.home / "settings.lock"):
            document = tomlkit.parse(file.read_text(encoding="utf-8") if file.exists() else "")
            if "model" in changed:
                document["model"] = chosen.model
            if "openai_base_url" in changed:
                document["openai_base_url"] = chosen.openai_base_url
            if "openai_api_key" in changed:
                for name in KEYS:
                    document.pop(name, None)
                if key := chosen.api_key:
                    document["openai_api_key_file"] = str(_key_file(settings.home, key))
            # In one step: no crash has a key sent to an address that it was not given for.
            _write(file, tomlkit.dumps(document))
            _drop_old_keys(settings.home, str(document.get("openai_api_key_file", "")))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read as TOML: {error}.") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror or error}.") from error


def has_key(settings: Settings) -> bool:
    """Whether there is a key for the endpoint; not where its file is gone."""
    return bool(_key(settings))


def _key(settings: Settings) -> str:
    try:
        return settings.api_key
    except SettingsError:  # another one can be given
        return ""


def _changed(settings: Settings, choice: ModelChoice, chosen: Settings) -> set[str]:
    """Names of the settings that are to be written."""
    changed = {"model"} if chosen.model != settings.model else set()
    if chosen.openai_base_url != settings.openai_base_url:
        changed |= {"openai_base_url", "openai_api_key"}
    if choice.key is not None:
        changed.add("openai_api_key")
    return changed


def _check_free(settings: Settings, changed: set[str], given: Iterable[str]) -> None:
    """See that nothing which goes before the file would make the change nothing."""
    fixed = set_elsewhere(settings.home, given)
    key = next((fixed[name] for name in KEYS if name in fixed), None)
    if key is not None and "openai_base_url" in changed:
        raise SettingsError(
            f"The key of the endpoint is set by the {key}, so its address has to be set there as well: "
            "it is not sent anywhere else."
        )
    for name in sorted(changed):
        by = key if name in KEYS else fixed.get(name)
        if by is not None:
            raise SettingsError(f"The setting {name!r} is set by the {by}, which goes before what is chosen.")


def _impatient(settings: Settings) -> Settings:
    return settings.model_copy(update={"request_seconds": min(settings.request_seconds, PATIENCE)})


def _key_file(home: Path, key: str) -> Path:
    """A new file with the key alone, which only its owner reads."""
    file = home.absolute() / OWN_KEYS.replace("*", secrets.token_hex(4))
    _create(file, key + "\n", 0o600)
    return file


def _drop_old_keys(home: Path, kept: str) -> None:
    for file in home.absolute().glob(OWN_KEYS):
        if str(file) != kept:
            file.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    """In place of the file, through a link that somebody has made of it, with the rights that it has."""
    file = file.resolve()
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    try:
        _create(beside, text, mode)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _create(file: Path, text: str, mode: int) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(opened, "w", encoding="utf-8", newline="\n") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
