"""The login that is configured, checked before the server starts."""

from __future__ import annotations

from typing import Final

from streamlit.auth_util import get_validated_redirect_uri, validate_auth_credentials
from streamlit.errors import StreamlitAuthError

from app.errors import SettingsError
from ui.identity import has_login

__all__ = ["checked_login"]

PROVIDER: Final = "default"
"""What Streamlit calls the provider that stands in [auth] itself."""


def checked_login() -> bool:
    """Whether people have to log in.

    Raises:
        SettingsError: If [auth] is there and lacks something.
    """
    if not has_login():
        return False
    try:
        validate_auth_credentials(PROVIDER)
        if get_validated_redirect_uri() is None:
            raise StreamlitAuthError("Its redirect_uri does not end in /oauth2callback.")
    except StreamlitAuthError as error:
        raise SettingsError(f"[auth] in secrets.toml cannot be used: {' '.join(str(error).split())}") from error
    return True
