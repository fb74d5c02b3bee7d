"""The login that is configured, checked before the server starts."""

from __future__ import annotations

import streamlit as st
from streamlit.auth_util import get_validated_redirect_uri, validate_auth_credentials
from streamlit.errors import StreamlitAuthError

from app.errors import SettingsError
from ui.identity import has_login

__all__ = ["DEFAULT_PROVIDER", "checked_login"]

DEFAULT_PROVIDER = "default"
"""What Streamlit calls the provider that stands in [auth] itself."""


def checked_login() -> bool:
    """Whether people have to log in.

    Raises:
        SettingsError: If [auth] is there and lacks something.
    """
    if not has_login():
        return False
    auth = st.secrets["auth"]
    try:
        validate_auth_credentials(DEFAULT_PROVIDER)
        if not auth.get("cookie_secret") or not get_validated_redirect_uri():
            raise StreamlitAuthError("it needs `redirect_uri` and `cookie_secret`")
    except StreamlitAuthError as error:
        sentence = " ".join(str(error).split())
        raise SettingsError(f"[auth] in secrets.toml cannot be used: {sentence}") from error
    return True
