"""An OpenID Connect provider on this machine: whoever comes says who they are, and it believes them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

PEOPLE = ("ada", "ben")
SECRETS = """
[auth]
redirect_uri = "{url}/oauth2callback"
cookie_secret = "{cookie}"
client_id = "clew"
client_secret = "a secret of the tests"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
"""


class Provider(ThreadingHTTPServer):
    """Its page has a link for each of `PEOPLE`; codes name who has chosen which."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.nonces: dict[str, str] = {}

    def secrets(self, url: str) -> str:
        """What stands in secrets.toml of a server at `url`."""
        return SECRETS.format(url=url, issuer=self.issuer, cookie="0123456789abcdef" * 4)

    def token(self, person: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": f"subject-of-{person}",
            "aud": "clew",
            "iat": now,
            "exp": now + 3600,
            "name": person.title(),
            "email": f"{person}@example.org",
            "email_verified": True,
        }
        if nonce := self.nonces.get(person):
            claims["nonce"] = nonce
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)


class _Exchange(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        match url.path:
            case "/.well-known/openid-configuration":
                self._json(
                    {
                        "issuer": self.server.issuer,
                        "authorization_endpoint": f"{self.server.issuer}/authorize",
                        "token_endpoint": f"{self.server.issuer}/token",
                        "jwks_uri": f"{self.server.issuer}/keys",
                        "response_types_supported": ["code"],
                        "subject_types_supported": ["public"],
                        "id_token_signing_alg_values_supported": ["RS256"],
                    }
                )
            case "/keys":
                self._json({"keys": [self.server.key.as_dict(private=False)]})
            case "/authorize":
                back = asked["redirect_uri"]
                for person in PEOPLE:
                    self.server.nonces[person] = asked.get("nonce", "")
                codes = {each: urlencode({"code": each, "state": asked["state"]}) for each in PEOPLE}
                links = "".join(f'<p><a href="{back}?{code}">{each}</a></p>' for each, code in codes.items())
                self._send(links.encode(), "text/html")
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        token = self.server.token(body["code"][0])
        self._json({"access_token": "unused", "token_type": "Bearer", "expires_in": 3600, "id_token": token})

    def _json(self, document: dict[str, Any]) -> None:
        self._send(json.dumps(document).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing on stderr."""


@contextmanager
def providing() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join()
