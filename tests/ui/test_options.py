"""What Streamlit is told of the names under which browsers may reach the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit import config
from streamlit.web import bootstrap
from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed

from tests.conftest import settings_of
from ui.__main__ import options
from ui.guard import Guard

BACK = "https://clew.example.org/oauth2callback"


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    yield
    config.get_config_options(force_reparse=True)


class Asked:
    """What a browser's WebSocket gets to hear of a server with `options`."""

    def __init__(self, home: Path, host: str, login: str | None = None) -> None:
        bootstrap.load_config_options(options(settings_of(home), host, 8500, False, login))
        self.login = login

    def __call__(self, origin: str, host: str) -> bool:
        let_in: list[bool] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            let_in.append(_is_origin_allowed(origin, host))

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            assert message["type"] == "websocket.close"

        headers = [(b"origin", origin.encode()), (b"host", host.encode())]
        asyncio.run(Guard(app, self.login)({"type": "websocket", "headers": headers}, receive, send))
        return let_in == [True]


def test_on_this_machine_only_its_own_names_are_known(tmp_path: Path) -> None:
    lets_in = Asked(tmp_path, "127.0.0.1")
    for host in ("127.0.0.1:8500", "localhost:8500", "[::1]:8500"):
        assert lets_in(f"http://{host}", host), host
    for host in ("clew.example.org", "clew.example.org:8500", "evil.example"):
        assert not lets_in(f"http://{host}", host), host
    # Nor does it ask anybody outside for its own address; the fixture `offline` would tell.
    assert not lets_in("https://evil.example", "127.0.0.1:8500")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "127.0.0.2"])
def test_behind_a_proxy_the_name_that_people_log_in_under_is_known(tmp_path: Path, host: str) -> None:
    lets_in = Asked(tmp_path, host, BACK)
    assert lets_in("https://clew.example.org", "clew.example.org")
    # A proxy that tells its own name for the server.
    assert lets_in("https://clew.example.org", f"[{host}]:8500" if ":" in host else f"{host}:8500")
    assert not lets_in("https://evil.example", "evil.example")
    assert not lets_in("https://evil.example", "clew.example.org")
    assert not lets_in("https://evil.example", f"[{host}]:8500" if ":" in host else f"{host}:8500")


def test_elsewhere_any_name_of_the_server_will_do(tmp_path: Path) -> None:
    lets_in = Asked(tmp_path, "0.0.0.0")
    assert lets_in("http://box.lan:8500", "box.lan:8500")
    assert not lets_in("https://evil.example", "box.lan:8500")
