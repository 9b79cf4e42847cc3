"""An identity provider on loopback that does as it is told: honest by default, and wrong in whatever way."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from backoffice import clock
from backoffice.accounts.providers import protocol
from backoffice.accounts.providers.services import directory
from backoffice.accounts.providers.services.directory import Registration
from tests.factories.world import SYSTEM

CLIENT = "classroom"
SECRET = "known to both"
# The parts of the token that tests change; None leaves a claim out.
Claims = dict[str, Any]


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@cache
def first_key() -> RSAKey:
    return new_key("first")


@dataclass
class Vouching:
    """What the provider says, and how."""

    address: str
    name: str
    key: RSAKey = field(default_factory=first_key)
    # What it lists, where that is not the key it signs with.
    listed: list[dict[str, Any]] | None = None
    algorithm: str = "RS256"
    claims: Claims = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    # Paths that answer late, with how many seconds; that drip a byte at a time; that answer with a status.
    slow: dict[str, float] = field(default_factory=dict)
    dripping: set[str] = field(default_factory=set)
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def sends_back(self, location: str, **claims: Any) -> dict[str, str]:
        """What somebody comes back with who was sent here and agreed to be the one with these claims."""
        sent = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert sent["response_type"] == "code"
        assert sent["code_challenge_method"] == "S256"
        code = uuid4().hex
        self.codes[code] = sent
        self.claims = {**self.claims, **claims}
        return {"state": sent["state"], "code": code}

    def token(self, sent: dict[str, str]) -> str:
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.address,
            "aud": sent["client_id"],
            "sub": "1001",
            "email": "somebody@people.example",
            "email_verified": True,
            "nonce": sent.get("nonce"),
            "iat": now,
            "exp": now + 600,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = ({"alg": "none"}, claims)
            return ".".join([*(_bare(json.dumps(part).encode()) for part in parts), ""])
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])

    def answer(self, path: str, body: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                **self.metadata,
            }
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)] if self.listed is None else self.listed}
        if path != "/token":
            return 404, {}
        sent = self.codes.pop(body.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = authorization == f"Basic {basic}" or body.get("client_secret") == SECRET
        if sent is None or not known or sent["redirect_uri"] != body.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        if _bare(hashlib.sha256(body.get("code_verifier", "").encode()).digest()) != sent["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": uuid4().hex, "token_type": "Bearer", "id_token": self.token(sent)}


@contextmanager
def vouching(name: str = "google", title: str = "Google", **claims: str) -> Iterator[Vouching]:
    """A provider that answers, registered under a name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({key: values[0] for key, values in parse_qs(sent).items()})

        def _answer(self, body: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            if path == "/authorize":
                # Whoever is sent here agrees at once.
                self.send_response(302)
                back = parse_qs(urlsplit(self.path).query)["redirect_uri"][0]
                self.send_header("Location", f"{back}?{urlencode(made.sends_back(self.path))}")
                self.end_headers()
                return
            status, said = made.answer(path, body, self.headers.get("Authorization", ""))
            time.sleep(made.slow.get(path, 0))
            content = json.dumps(said).encode()
            self.send_response(made.statuses.get(path, status))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                if path in made.dripping:
                    for each in content:
                        self.wfile.write(bytes([each]))
                        time.sleep(0.05)
                else:
                    self.wfile.write(content)
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Vouching(f"http://127.0.0.1:{server.server_port}", name)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    enrol(made.address, name, title, **claims)
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    directory.withdraw(principal=SYSTEM, name=name)


def enrol(address: str, name: str = "google", title: str = "Google", **claims: str) -> None:
    """Let people sign in with the provider at an address."""
    protocol.forget()
    registration = Registration(title, f"{address}{protocol.WELL_KNOWN}", CLIENT, SecretStr(SECRET), **claims)
    directory.register(principal=SYSTEM, name=name, registration=registration)


def _bare(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
