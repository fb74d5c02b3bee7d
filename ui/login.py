"""The login that is configured, checked before the server starts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from streamlit import config
from streamlit.auth_util import get_validated_redirect_uri, validate_auth_credentials
from streamlit.errors import StreamlitAuthError

from app.errors import SettingsError

__all__ = ["checked_login", "login_address"]

PROVIDER: Final = "default"
"""What Streamlit calls the provider that stands in [auth] itself."""


def checked_login() -> bool:
    """Whether people have to log in, as the files of secrets say now.

    Raises:
        SettingsError: If one of them cannot be read, or [auth] is there and lacks something: a server that is
            meant to ask who people are must not start without.
    """
    if not any(_has_auth(Path(file)) for file in config.get_option("secrets.files")):
        return False
    try:
        validate_auth_credentials(PROVIDER)
        if get_validated_redirect_uri() is None:
            raise StreamlitAuthError("Its redirect_uri does not end in /oauth2callback.")
    except StreamlitAuthError as error:
        sentence = " ".join(str(error).split())
        raise SettingsError(f"[auth] in secrets.toml cannot be used: {sentence}") from error
    return True


def login_address() -> str | None:
    """Where the provider sends people back to."""
    return get_validated_redirect_uri()


def _has_auth(file: Path) -> bool:
    if not file.is_file():
        return False
    try:
        return "auth" in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file} cannot be read as TOML: {error}.") from error
