"""The server of the pages, as `clew ui` starts it."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config
from streamlit.web import bootstrap

from app.config import Settings, before_serving
from app.errors import ClewError
from app.few_arenas import few_arenas
from ui.binding import check_host, is_own
from ui.errors import unexpected
from ui.guard import Guard
from ui.login import login_address
from ui.serving import serving
from ui.upload_files import UploadFiles

__all__ = ["main", "options"]

MAIN: Final = Path(__file__).with_name("main.py")
SECRETS: Final = "secrets.toml"


def options(
    settings: Settings, host: str, port: int, browser: bool, login: str | None = None
) -> dict[str, Any]:
    """What Streamlit is told, whatever a configuration file of its own says.

    Args:
        settings: Of the home.
        host: Where it listens.
        port: There.
        browser: Whether to open one.
        login: Where the provider sends people back to, None without a login. That is under the name by which
            browsers know the server, which is another one than `host` behind a proxy.
    """
    known = urlsplit(login or "")
    # Against names of other sites that are made to point here (DNS rebinding), where names are known.
    hosts = ["localhost", "127.0.0.1", "::1", host, known.hostname or ""] if is_own(host) else []
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": not browser,
        "server.allowedHosts": list(dict.fromkeys(filter(None, hosts))),
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.maxUploadSize": settings.upload_megabytes,
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": False,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "minimal",
        "runner.magicEnabled": False,
        # A full collection takes 0.3 s with torch and an index loaded, and would follow every click.
        "runner.postScriptGC": False,
        "logger.hideWelcomeMessage": True,
        # A proxy may name the server as it knows it itself, and not as the browsers do.
        **({"browser.serverAddress": known.hostname} if known.hostname else {}),
    }


@asynccontextmanager
async def _closing(_: st.App) -> AsyncGenerator[None, None]:
    """Closes the library with the server."""
    try:
        yield
    finally:
        serving().close()


def main(arguments: dict[str, Any]) -> None:
    """Serve the pages until Ctrl-C.

    Args:
        arguments: "host", "port" and "browser", and "settings" of the command line.

    Raises:
        ClewError: If the library cannot be opened, or may not be served there.
    """
    before_serving()
    # Before any thread: what charts and the encoder both load deadlocks where two threads load it at once.
    import_module("ui.main")
    few_arenas()
    shared = serving(arguments["settings"])
    settings = shared.settings()
    host, port = arguments["host"], arguments["port"]
    # Besides Streamlit's own places for secrets, the home.
    secrets = {"secrets.files": [*config.get_option("secrets.files"), str(settings.home / SECRETS)]}
    bootstrap.load_config_options(secrets)
    login = login_address() if shared.login else None
    chosen = options(settings, host, port, arguments["browser"], login) | secrets
    bootstrap.load_config_options(chosen)
    listening = check_host(host, shared.login, settings.trusted_network)
    shared.library()  # what is wrong with it is said here, and not to the first visitor
    print(listening, file=sys.stderr)
    app = st.App(
        MAIN,
        lifespan=_closing,
        middleware=[Middleware(Guard, login=login), Middleware(UploadFiles)],
        on_script_error=unexpected,
    )
    app.run(config=chosen)


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv.pop(1)))
    except ClewError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:  # the server has ended by then
        sys.exit(130)
