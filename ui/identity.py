"""Who is looking: the user that the login names, or the one of the settings where there is no login."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from ui.serving import serving

__all__ = ["Identity", "has_login", "identity", "identity_of"]

LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has logged in.

    Attributes:
        user: The name of the scope that all of theirs is kept under; no two people share it.
        shown: What a page calls them.
        email: "" unless the provider has verified it.
    """

    user: str
    shown: str
    email: str = ""


def has_login() -> bool:
    """Whether this server asks people to log in."""
    return serving().login


def identity() -> Identity | None:
    """Who has logged in, None if nobody has."""
    if not has_login() or not st.user.is_logged_in:
        return None
    return identity_of(st.user.to_dict())


def identity_of(claims: Mapping[str, Any]) -> Identity | None:
    """Who is meant by the claims of an OpenID Connect token; None where they name nobody.

    Only issuer and subject together never change and never pass to somebody else (OpenID Connect Core 1.0,
    section 5.7); an address or a name may.
    """
    issuer, subject = str(claims.get("iss") or ""), str(claims.get("sub") or "")
    if not issuer or not subject:
        return None
    user = f"{issuer} {subject}"
    if len(user) > LONGEST:
        user = f"{hashlib.sha256(user.encode()).hexdigest()} {issuer}"[:LONGEST]
    email = str(claims.get("email") or "")
    shown = str(claims.get("name") or email or subject)
    return Identity(user, shown, email if claims.get("email_verified") is True else "")
