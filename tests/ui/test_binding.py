from __future__ import annotations

import pytest

from app.errors import SettingsError
from ui.binding import check_host, is_own


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("clew.example.org", False),
        ("", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, own: bool) -> None:
    assert is_own(host) is own


def test_this_machine_alone_needs_no_login() -> None:
    assert "only this machine" in check_host("127.0.0.1", login=False, trusted=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.3", "clew.example.org"])
def test_elsewhere_it_listens_with_a_login_or_where_the_network_is_trusted(host: str) -> None:
    with pytest.raises(SettingsError, match="CLEW_TRUSTED_NETWORK"):
        check_host(host, login=False, trusted=False)
    assert "provider" in check_host(host, login=True, trusted=False)
    assert "without a login" in check_host(host, login=False, trusted=True)
