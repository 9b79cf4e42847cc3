"""Setting where a district's own system is called: by whoever leads the district as a whole, and founders."""

from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record_each
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.models import District, School
from backoffice.schools.services import contacts
from plugins.notifications.hooks import queries, signing
from plugins.notifications.hooks.addresses import Unsafe, target_of

UNSAFE = lazy(
    "Write a full https:// address of a system that can be reached from the internet, without a name or"
    " password in it."
)
NONE_SET = lazy("No address is set.")
BEING_PUT_AWAY = lazy("The secret from before is just being put away. Try again in a minute.")
NO_TEST = lazy("No address is set, or a test is on its way already. Look again in a minute.")


def to_set(tx: Transaction, school: str) -> District:
    """The district of a school, for whose own system the principal speaks. Raises `NotFound`."""
    place = contacts.to_contact(tx, school, whole_district=True)
    assert isinstance(place, District)
    return place


def set_hook(*, principal: Principal, school: str, url: str, private: bool) -> str | None:
    """Set which address is called of the district of a school. The secret, if it is a new one.

    `private` lets addresses of the own network pass. Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    url = url.strip()
    try:
        target_of(url, private=private)
    except Unsafe:
        raise Rejected(url=UNSAFE) from None
    secret = signing.new_secret()
    with transaction(principal) as tx:
        proof.demand(tx)
        district = to_set(tx, school)
        is_new = queries.set_url(tx, district, url, secret=secret, at=clock.now())
        if is_new is None:
            raise NotFound
        _note(tx, "hooks.set", district)
    return secret if is_new else None


def renew_secret(*, principal: Principal, school: str) -> str:
    """Make a new secret, with which calls are signed from now on; for a day with the one before as well.

    Made again within the day, it takes the place of the newer one: the one from before still signs. After the
    day it waits for a worker to put that one away, since the system may know the newer one alone by then.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    secret = signing.new_secret()
    with transaction(principal) as tx:
        proof.demand(tx)
        district, now = to_set(tx, school), clock.now()
        hook = queries.hook_of(tx, district)
        if hook is not None and hook.renewed_at is not None and hook.renewed_at <= now - queries.BOTH_SIGN:
            raise Rejected.whole(BEING_PUT_AWAY)
        if not queries.renew_secret(tx, district, secret, at=now):
            raise Rejected.whole(NONE_SET)
        _note(tx, "hooks.renew-secret", district)
    return secret


def remove_hook(*, principal: Principal, school: str) -> None:
    """Have the district's system called no more; what waits is given up.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        district = to_set(tx, school)
        if not queries.remove(tx, district, at=clock.now()):
            raise Rejected.whole(NONE_SET)
        _note(tx, "hooks.remove", district)


def send_test(*, principal: Principal, school: str) -> None:
    """Have the address called within a minute, to try it out.

    Raises `Rejected`, `ProofNeeded`, `NotFound`.
    """
    with transaction(principal) as tx:
        proof.demand(tx)
        district = to_set(tx, school)
        if not queries.ask_for_test(tx, district, at=clock.now()):
            raise Rejected.whole(NO_TEST)
        _note(tx, "hooks.test", district)


def _note(tx: Transaction, verb: str, district: District) -> None:
    """In the trail of each school concerned: that it was done, and not which address it is."""
    found = select(School.id).where(School.district_id == district.id).order_by(School.id)
    record_each(tx, verb, [(each, {"district": district.id}) for each in tx.scalars(found)])
