"""Going to an identity provider, coming back, and signing in as whoever it vouches for."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountStatus
from backoffice.accounts.providers import protocol
from backoffice.accounts.providers.protocol import Identity, Refused, Round
from backoffice.accounts.providers.services import directory
from backoffice.accounts.services import signing_in
from backoffice.accounts.services.signing_in import SignedIn, Vouched
from backoffice.audit.trail import record
from backoffice.language.texts import lazy
from backoffice.problems import Throttled
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions, keyring
from backoffice.throttles.tries import Claim, take, trying
from backoffice.throttles.visitor import Visitor

LASTS = timedelta(minutes=10)
ONCE = "1/10minute"
TOO_LATE = lazy(
    "This sign-in was begun elsewhere, was used already, or took too long. %(again)s", again=protocol.AGAIN
)
_JOURNEY = "journey to an identity provider"


@dataclass(frozen=True)
class Journey:
    """What a browser takes along on its way to a provider and back, sealed.

    `linking` is the session that wants to link an account; without it, somebody wants to sign in.
    """

    provider: str
    round: Round
    until: float
    shared: bool = False
    linking: str | None = None


@dataclass(frozen=True)
class Departure:
    """Where to go, and the sealed word that the browser keeps meanwhile."""

    address: str
    word: str


@dataclass(frozen=True)
class Arrival:
    """Who came back, and what for."""

    identity: Identity
    journey: Journey


class NotLinked(Exception):
    """Nobody's account is linked with this identity, or none that may sign in."""


def depart(*, provider: str, back: str, shared: bool = False, linking: str | None = None) -> Departure:
    """Begin a journey to a provider, which ends at the address `back`. Raises `NotFound` and `NoAnswer`."""
    asked, new = directory.one(provider), Round.new()
    journey = Journey(provider, new, (clock.now() + LASTS).timestamp(), shared=shared, linking=linking)
    address = protocol.address_to_go_to(asked, new, back=back)
    return Departure(address, _sealed(journey))


def arrive(
    *, provider: str, word: str, query: Mapping[str, str], back: str, visitor: Visitor, throttles: Throttles
) -> Arrival:
    """Who comes back from a provider, once for each journey. Raises `Refused`, `NoAnswer`, `Throttled`.

    What is refused counts as a wrong try of the network.
    """
    with trying(Claim("identity by network", throttles.password_network, visitor.network)):
        journey = _opened(word)
        if journey.provider != provider or journey.until < clock.now().timestamp():
            raise Refused("late", TOO_LATE)
        try:
            # A cookie can be put back; what is counted for all processes cannot.
            take(Claim("journey", ONCE, journey.round.state))
        except Throttled:
            raise Refused("used", TOO_LATE) from None
        identity = protocol.identify(directory.one(provider), journey.round, query, back=back)
    return Arrival(identity, journey)


def sign_in(
    *,
    identity: Identity,
    sessions: Sessions,
    visitor: Visitor,
    device: str | None,
    throttles: Throttles,
    shared: bool = False,
) -> SignedIn:
    """Begin a session of the account that is linked with an identity, as after a right password.

    Raises `NotLinked`, `CodeNeeded`, `Rejected` and `Throttled`.
    """
    with transaction(Nobody(visitor.address)) as tx:
        found = functions.identity_account(
            tx, provider_id=identity.provider.id, subject_digest=subject_digest(identity)
        )
        if found is None or found.status != AccountStatus.ACTIVE:
            record(tx, "accounts.identity-not-linked", provider=identity.provider.name)
            found = None
    if found is None:
        raise NotLinked
    index = bytes(found.email_index)
    with trying(*signing_in.guess(index, visitor, throttles)):
        return signing_in.with_code(
            found,
            index,
            "",
            sessions=sessions,
            visitor=visitor,
            device=device,
            shared=shared,
            vouched=Vouched(identity.provider.name, domain_of(identity)),
        )


def subject_digest(identity: Identity) -> bytes:
    """What is stored of somebody at a provider."""
    named = f"{identity.provider.name} {identity.subject}"
    return keyring.current().blind_index(named, context="account_identity.subject")


def domain_of(identity: Identity) -> str | None:
    """The organisation that the provider named, as it is compared."""
    return identity.domain.strip().casefold() if identity.domain else None


def _sealed(journey: Journey) -> str:
    return keyring.current().seal(json.dumps(asdict(journey)).encode(), context=_JOURNEY).hex()


def _opened(word: str) -> Journey:
    try:
        said = json.loads(keyring.current().open(bytes.fromhex(word), context=_JOURNEY))
    except (ValueError, keyring.KeyringError):
        raise Refused("no journey", TOO_LATE) from None
    return Journey(**{**said, "round": Round(**said["round"])})
