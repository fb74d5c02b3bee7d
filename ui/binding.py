"""Where the server may listen: on this machine alone, unless people log in or the network is trusted."""

from __future__ import annotations

import ipaddress

from app.errors import SettingsError

__all__ = ["check_host", "is_own"]


def is_own(host: str) -> bool:
    """Whether only programs of this machine reach an address or a name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(host: str, login: bool, trusted: bool) -> str:
    """What to tell whoever starts the server there.

    Raises:
        SettingsError: If everybody in the network would get in without being asked who they are.
    """
    if not login and is_own(host):
        return f"It listens on {host} alone, so that only this machine reaches it: no login is configured."
    if login:
        return f"It listens on {host}; people log in with the provider in [auth]."
    if not trusted:
        raise SettingsError(
            f"It does not listen on {host} without a login: whoever reaches it could read and forget "
            "everything. Configure [auth] in secrets.toml, or say with CLEW_TRUSTED_NETWORK=true that "
            "everybody in that network may, or stay on 127.0.0.1."
        )
    return f"It listens on {host} without a login: everybody who reaches it reads and changes everything."
