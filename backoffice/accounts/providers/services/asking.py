"""A school that asks its staff to come in by an identity provider and from its own organisation there.

Whoever came in another way is signed in, and the school is as closed as if one were not of it: in the
database, so on every page and in every process. Membership is still by invitation alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from backoffice.access.lookup import find
from backoffice.access.permissions import SCHOOLS_EDIT
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.changes.keeping import PutBack, keep_change
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools.models import School, SchoolKind
from backoffice.storage import functions
from backoffice.storage.sealed import open_text

LONGEST = 253
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9.-]*")
PERSONAL = lazy("Only you work at your own school. There is nobody to ask.")
NOT_FROM_THERE = lazy(
    "Sign in that way yourself first, with an account of this domain. So no typing error shuts you out."
)


@dataclass(frozen=True)
class Closed:
    """A school of the principal that is closed to its session, and how it opens."""

    school: str
    provider: str
    title: str
    domain: str

    @property
    def sentence(self) -> str:
        """What to do, said to a person."""
        return gettext(
            "%(school)s asks you to sign in with %(title)s, with your account of %(domain)s.",
            school=self.school,
            title=self.title,
            domain=self.domain,
        )


def closed_schools(tx: Transaction) -> Sequence[Closed]:
    """The principal's schools that ask for another way in than the session's."""
    if tx.principal.session_id is None:
        return []
    return [
        Closed(
            open_text(row.school, context="school.name"),
            row.provider,
            row.title,
            row.domain,
        )
        for row in functions.schools_that_ask(tx, session_id=tx.principal.session_id)
    ]


def asked_by(place: School) -> list[str | None] | None:
    """What a school asks of its staff as one value: the provider, and the domain there."""
    return [place.sign_in_by, place.sign_in_from] if place.sign_in_by else None


def ask_of_staff(
    *, principal: Principal, school: str, domain: str, by: str | None = None, back: PutBack | None = None
) -> None:
    """Ask a school's staff to come in from this domain, by the provider that the leader came by.

    With `by` that must be this one. An empty domain asks for nothing any more. Raises `Rejected`, `NotFound`
    and `ProofNeeded`.
    """
    domain = domain.strip().casefold()
    if domain and (len(domain) > LONGEST or not _DOMAIN.fullmatch(domain)):
        raise Rejected(domain=gettext("Write a domain, such as school.example."))
    with transaction(principal) as tx:
        proof.demand(tx)
        place = find(tx, School, school, permission=SCHOOLS_EDIT)
        if place.kind == SchoolKind.PERSONAL:
            raise Rejected.whole(PERSONAL)
        tx.refresh(place, with_for_update=True)
        own = tx.execute(
            select(AccountSession.came_by, AccountSession.came_from).where(
                AccountSession.id == tx.principal.session_id
            )
        ).one()
        if domain and (own.came_from != domain or by not in (None, own.came_by)):
            raise Rejected(domain=NOT_FROM_THERE)
        asked = {"sign_in_by": own.came_by, "sign_in_from": domain} if domain else _NOTHING
        after = [own.came_by, domain] if domain else None
        keep_change(tx, place, back, sign_in_from=(asked_by(place), after))
        tx.execute(update(School).where(School.id == place.id).values(asked))
        record(tx, "schools.ask-of-staff", school_id=place.id, **asked)


def ask_nothing(*, principal: Principal, school: str) -> bool:
    """Let a school's staff come in as they like again; whether it had asked. The system's way back.

    Raises `NotFound`.
    """
    with transaction(principal) as tx:
        place = find(tx, School, school)
        if place.sign_in_by is None:
            return False
        tx.execute(update(School).where(School.id == place.id).values(_NOTHING))
        record(tx, "schools.ask-of-staff", school_id=place.id, **_NOTHING)
        return True


_NOTHING: dict[str, str | None] = {"sign_in_by": None, "sign_in_from": None}
