"""OpenID Connect, seen from who relies on it: where to send somebody, and who it is that comes back.

The code flow with PKCE, state and nonce, through Authlib; the identity token is judged by joserfc with a
fixed list of algorithms. Nothing here knows accounts, the database or a page.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from backoffice import clock
from backoffice.accounts.providers import fetching
from backoffice.accounts.providers.fetching import NoAnswer
from backoffice.language.texts import lazy
from backoffice.problems import Rejected

# Not what the provider lists: whoever could change the list could choose a weak one.
ALGORITHMS = ("RS256", "ES256")
KEY_TYPES = frozenset({"RSA", "EC"})
SCOPE = "openid email"
WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_FOR = timedelta(minutes=10)
# A clock may be off by so much; and a token is made for this very sign-in.
LEEWAY = timedelta(minutes=2)
FRESH = timedelta(minutes=10)
LONGEST_SUBJECT = 255
OK = 200

AGAIN = lazy("Start again from the sign-in page.")
REFUSED = lazy(
    "What came back does not fit what was asked for, so nobody was signed in. %(again)s", again=AGAIN
)
GIVEN_UP = lazy("You were not signed in, because it was stopped on the other side. Try again when you like.")
UNVERIFIED = lazy(
    "The address of that account has not been verified there, so it cannot be used here."
    " Verify it there, or sign in with your password."
)


class Refused(Rejected):
    """What came back is not to be believed. `why` is a word for the log, the sentence is for the person."""

    def __init__(self, why: str, sentence: str = REFUSED) -> None:
        super().__init__(**{"": sentence})
        self.why = why
        self.sentence = sentence


@dataclass(frozen=True)
class Provider:
    """Whom to ask, and as whom."""

    id: int
    name: str
    title: str
    discovery_url: str
    client_id: str
    client_secret: str
    domain_claim: str
    verified_claim: str


@dataclass(frozen=True)
class Endpoints:
    """What a provider says about itself."""

    issuer: str
    authorization: str
    token: str
    keys: str
    secret_in_body: bool


@dataclass(frozen=True)
class Round:
    """What one journey there and back is known by."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Round":
        """One that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


@dataclass(frozen=True)
class Identity:
    """Somebody at a provider: the subject stays, the address is verified, the domain is an organisation's."""

    provider: Provider
    subject: str
    email: str
    domain: str | None


_endpoints: dict[str, tuple[datetime, Endpoints]] = {}
_keys: dict[str, tuple[datetime, KeySet]] = {}


def forget() -> None:
    """Ask every provider anew when it is next needed."""
    _endpoints.clear()
    _keys.clear()


def discover(provider: Provider, *, anew: bool = False) -> Endpoints:
    """What the provider says about itself, kept for some minutes. Raises `NoAnswer`."""
    url, now = provider.discovery_url, clock.now()
    kept = _endpoints.get(url)
    if kept is not None and kept[0] > now and not anew:
        return kept[1]
    status, said = fetching.ask(url)
    if status != OK:
        raise NoAnswer(f"status {status}")
    found = _endpoints_of(url, said)
    _endpoints[url] = (now + KEPT_FOR, found)
    return found


def _endpoints_of(url: str, said: Mapping[str, Any]) -> Endpoints:
    named = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(fetching.is_safe(each) for each in named):
        raise NoAnswer("an address without https")
    issuer = said.get("issuer")
    # Else somebody could speak for another: the issuer is where it was asked.
    if not isinstance(issuer, str) or issuer.rstrip("/") + WELL_KNOWN != url:
        raise NoAnswer("another issuer")
    methods = said.get("token_endpoint_auth_methods_supported")
    in_body = isinstance(methods, list) and "client_secret_post" in methods
    authorization, token, keys = (str(each) for each in named)
    return Endpoints(issuer, authorization, token, keys, in_body)


def address_to_go_to(provider: Provider, journey: Round, *, back: str) -> str:
    """Where to send somebody who is to prove who they are; they come back to `back`. Raises `NoAnswer`."""
    address, _state = _client(provider, discover(provider), back).create_authorization_url(
        discover(provider).authorization,
        state=journey.state,
        code_verifier=journey.verifier,
        nonce=journey.nonce,
        # A computer may have somebody else's account open.
        prompt="select_account",
    )
    return str(address)


def identify(provider: Provider, journey: Round, query: Mapping[str, str], *, back: str) -> Identity:
    """Who came back with these parameters. Raises `Refused` and `NoAnswer`."""
    # Whoever gave up is told so, even where the provider forgets the state: nothing comes of it either way.
    if "error" in query:
        raise Refused("given up", GIVEN_UP)
    if not hmac.compare_digest(query.get("state", "").encode(), journey.state.encode()):
        raise Refused("state")
    endpoints = discover(provider)
    # RFC 9207: an answer that is another provider's.
    if query.get("iss", endpoints.issuer) != endpoints.issuer:
        raise Refused("issuer of the answer")
    if not query.get("code"):
        raise Refused("no code")
    tokens = _exchanged(provider, endpoints, journey, query["code"], back)
    return _judged(provider, endpoints, journey, tokens)


def _exchanged(
    provider: Provider, endpoints: Endpoints, journey: Round, code: str, back: str
) -> Mapping[str, Any]:
    client = _client(provider, endpoints, back)
    try:
        tokens: Mapping[str, Any] = client.fetch_token(
            endpoints.token, grant_type="authorization_code", code=code, code_verifier=journey.verifier
        )
    except (OAuth2Error, ValueError):
        raise Refused("code") from None
    return tokens


def _judged(provider: Provider, endpoints: Endpoints, journey: Round, tokens: Mapping[str, Any]) -> Identity:
    said = _opened(endpoints, tokens.get("id_token"))
    claims = CodeIDToken(
        said.claims,
        said.header,
        {
            "iss": {"essential": True, "value": endpoints.issuer},
            "aud": {"essential": True, "value": provider.client_id},
            "nonce": {"essential": True, "value": journey.nonce},
        },
        {
            "nonce": journey.nonce,
            "client_id": provider.client_id,
            "access_token": tokens.get("access_token"),
        },
    )
    now = int(clock.now().timestamp())
    try:
        claims.validate(now=now, leeway=int(LEEWAY.total_seconds()))
    except JoseError as error:
        raise Refused(getattr(error, "claim", None) or "claim") from None
    # For us and for nobody besides, who could have passed it on.
    if claims["aud"] not in (provider.client_id, [provider.client_id]):
        raise Refused("aud")
    if claims["iat"] < now - FRESH.total_seconds():
        raise Refused("iat")
    if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
        raise Refused("sub")
    email, domain = claims.get("email"), claims.get(provider.domain_claim)
    # Some providers write it as a word.
    if (
        claims.get(provider.verified_claim) not in (True, "true", "1")
        or not isinstance(email, str)
        or not email
    ):
        raise Refused("email not verified", UNVERIFIED)
    return Identity(provider, claims["sub"], email, domain if isinstance(domain, str) else None)


def _opened(endpoints: Endpoints, token: object) -> jwt.Token:
    if not isinstance(token, str):
        raise Refused("no token")
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    try:
        try:
            return jwt.decode(token, _keys_of(endpoints), registry=registry)
        except InvalidKeyIdError:
            # Providers change their keys when they like.
            return jwt.decode(token, _keys_of(endpoints, anew=True), registry=registry)
    except (JoseError, ValueError, TypeError):
        raise Refused("signature") from None


def _keys_of(endpoints: Endpoints, *, anew: bool = False) -> KeySet:
    kept, now = _keys.get(endpoints.keys), clock.now()
    if kept is not None and kept[0] > now and not anew:
        return kept[1]
    status, said = fetching.ask(endpoints.keys)
    listed = said.get("keys")
    if status != OK or not isinstance(listed, list):
        raise NoAnswer("no keys")
    usable = [each for each in listed if _signs(each)]
    try:
        found = KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, TypeError):
        raise NoAnswer("no keys") from None
    _keys[endpoints.keys] = (now + KEPT_FOR, found)
    return found


def _signs(key: object) -> bool:
    # A shared secret among them would let whoever reads the list sign.
    return isinstance(key, dict) and key.get("kty") in KEY_TYPES and key.get("use", "sig") == "sig"


def _client(provider: Provider, endpoints: Endpoints, back: str) -> OAuth2Client:
    return OAuth2Client(
        _Line(),
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        token_endpoint_auth_method="client_secret_post"
        if endpoints.secret_in_body
        else "client_secret_basic",
        scope=SCOPE,
        redirect_uri=back,
        code_challenge_method="S256",
    )


class _Line:
    """What Authlib posts by: the one method that it calls."""

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth
    ) -> "_Said":
        # Authlib hands out its own dictionary of headers, into which the secret would be written.
        url, filled, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Said(*fetching.ask(url, method="POST", headers=filled, body=body))


@dataclass(frozen=True)
class _Said:
    """An answer, as Authlib reads it."""

    status_code: int
    content: Mapping[str, Any]

    def json(self) -> Mapping[str, Any]:
        return dict(self.content)

    def raise_for_status(self) -> None:
        raise NoAnswer(f"status {self.status_code}")
