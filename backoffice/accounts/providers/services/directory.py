"""Which identity providers there are: rows, of which Google's follows the settings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.providers import fetching
from backoffice.accounts.providers.models import IdentityProvider
from backoffice.accounts.providers.protocol import WELL_KNOWN, Provider
from backoffice.audit.trail import record
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.settings import Settings
from backoffice.storage import functions, keyring
from backoffice.storage.functions import AnyRow

GOOGLE = "google"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# Pages below /sign-in that are no provider's.
TAKEN = frozenset({"code", "link"})


@dataclass(frozen=True)
class Registration:
    """How this service is known to a provider."""

    title: str
    discovery_url: str
    client_id: str
    client_secret: SecretStr
    domain_claim: str = "hd"
    verified_claim: str = "email_verified"


def in_use(tx: Transaction) -> Sequence[Provider]:
    """The providers that people may sign in with."""
    return [_provider(row) for row in functions.identity_providers(tx)]


def one(name: str) -> Provider:
    """The provider of a name, if people may sign in with it. Raises `NotFound`."""
    with transaction(Nobody()) as tx:
        found = next((each for each in in_use(tx) if each.name == name), None)
    if found is None:
        raise NotFound
    return found


def register(*, principal: Principal, name: str, registration: Registration) -> None:
    """Let people sign in with a provider, or ask it otherwise. Only the system may. Raises `Rejected`."""
    if not _NAME.fullmatch(name) or name in TAKEN:
        raise Rejected(name=gettext("Name it in small letters, such as entra."))
    if not fetching.is_safe(registration.discovery_url) or not registration.discovery_url.endswith(
        WELL_KNOWN
    ):
        raise Rejected(
            discovery_url=gettext("Name a full https:// address that ends in %(end)s.", end=WELL_KNOWN)
        )
    with transaction(principal) as tx:
        values = {
            "title": registration.title,
            "discovery_url": registration.discovery_url,
            "client_id": registration.client_id,
            "client_secret": registration.client_secret.get_secret_value(),
            "domain_claim": registration.domain_claim,
            "verified_claim": registration.verified_claim,
            "enabled": True,
        }
        known = tx.scalars(select(IdentityProvider).where(IdentityProvider.name == name)).one_or_none()
        if known is not None and all(getattr(known, key) == value for key, value in values.items()):
            return
        row = upsert(IdentityProvider).values(name=name, **values)
        tx.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
        record(tx, "providers.register", provider=name)


def withdraw(*, principal: Principal, name: str) -> bool:
    """Let nobody sign in with a provider any more; whether anybody could. Links stay as they are."""
    with transaction(principal) as tx:
        here = (IdentityProvider.name == name, IdentityProvider.enabled)
        ended = update(IdentityProvider).where(*here).values(enabled=False).returning(IdentityProvider.id)
        found = tx.scalar(ended) is not None
        if found:
            record(tx, "providers.withdraw", provider=name)
        return found


def follow(*, principal: Principal, settings: Settings) -> None:
    """Make Google's row what the settings say: in use with these values, or not in use."""
    if settings.google_client_id is None or settings.google_client_secret is None:
        withdraw(principal=principal, name=GOOGLE)
        return
    registration = Registration(
        "Google", settings.google_discovery_url, settings.google_client_id, settings.google_client_secret
    )
    register(principal=principal, name=GOOGLE, registration=registration)


def _provider(row: AnyRow) -> Provider:
    secret = keyring.current().open(bytes(row.client_secret), context="identity_provider.client_secret")
    return Provider(
        id=row.id,
        name=row.name,
        title=row.title,
        discovery_url=row.discovery_url,
        client_id=row.client_id,
        client_secret=secret.decode(),
        domain_claim=row.domain_claim,
        verified_claim=row.verified_claim,
    )
