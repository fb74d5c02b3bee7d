"""The server itself: where it listens, whom it lets in, what it tells browsers; no browser is needed."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.conftest import CLEW
from tests.ui.browser.conftest import Serve, Server, free_port, served
from ui.guard import headers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> object:
    with served(tmp_path_factory.mktemp("server") / "home") as server:
        yield server


def ended(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return subprocess.run(
        [str(CLEW), "ui", "--port", str(free_port()), *arguments],
        env=kept | {"CLEW_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_says_that_only_this_machine_reaches_it(server: Server) -> None:
    assert "only this machine reaches it" in server.log.read_text()


def test_it_does_not_listen_elsewhere_without_a_login(tmp_path: Path) -> None:
    run = ended(tmp_path, "--host", "0.0.0.0")
    assert run.returncode == 1
    assert "CLEW_TRUSTED_NETWORK" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("secrets", "said"),
    [('[auth]\nclient_id = "clew"\n', "[auth] in secrets.toml cannot be used"), ("[auth\n", "as TOML")],
)
def test_a_login_that_cannot_be_used_is_one_sentence(tmp_path: Path, secrets: str, said: str) -> None:
    (tmp_path / "secrets.toml").write_text(secrets)
    run = ended(tmp_path)
    assert run.returncode == 1
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_home_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    run = ended(tmp_path / "home")
    assert run.returncode == 1
    assert "cannot be made" in run.stderr
    assert "Traceback" not in run.stderr


def test_every_answer_says_what_a_page_may_load(server: Server) -> None:
    for path in ("/", "/library", "/_stcore/health"):
        with urllib.request.urlopen(server.url + path, timeout=10) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            assert {name.lower(): value for name, value in headers().items()}.items() <= told.items()


def test_names_that_are_made_to_point_here_are_refused(server: Server) -> None:
    address = server.url.replace("http", "ws", 1) + "/_stcore/stream"
    with connect(address, origin=server.url, subprotocols=["streamlit"]):
        pass
    for host, origin in (("clew.example.org", "http://clew.example.org"), (None, "http://example.org")):
        headers = {"Host": host} if host else {}
        with pytest.raises(InvalidStatus):
            connect(address, origin=origin, subprotocols=["streamlit"], additional_headers=headers)


def test_an_upload_without_a_session_is_refused(server: Server) -> None:
    request = urllib.request.Request(
        f"{server.url}/_stcore/upload_file/nobody/one",
        data=b"--x\r\n\r\nhello\r\n--x--\r\n",
        method="PUT",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    refused.value.close()
    assert refused.value.code in (400, 403)
    uploads = server.home / "uploads"
    assert not uploads.exists() or not [each for each in uploads.rglob("*") if each.is_file()]


def test_it_ends_at_once_when_it_is_asked_to(serve: Serve, tmp_path: Path) -> None:
    server = serve(tmp_path / "home")
    server.process.send_signal(2)
    assert server.process.wait(30) in (0, -2, 130)
    assert "Traceback" not in server.log.read_text()
