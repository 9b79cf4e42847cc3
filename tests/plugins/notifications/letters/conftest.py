"""Two founders and their incidents, as tests of notices have them, and a school that has an address."""

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.schools.models import District, School
from plugins.notifications.notices import sending
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import WORKER, backup, deliveries, drill, founders, incident

__all__ = ["backup", "drill", "founders", "incident"]

ADDRESS = "12 Seaview Avenue\nSan Rafael, CA 94901"


@pytest.fixture(autouse=True)
def address(world: World) -> Iterator[str]:
    """Where letters to the home school go."""
    put(world, school=ADDRESS)
    yield ADDRESS
    put(world)


def put(world: World, *, school: str | None = None, district: str | None = None) -> None:
    with transaction(SYSTEM) as tx:
        tx.get_one(School, world.home.id).postal_address = school
        tx.get_one(District, world.district_id).postal_address = district


def send() -> int:
    return sending.send_notices(WORKER, progress=lambda _done: None)


def came_back(notice: str, *, account: int | None = None) -> None:
    """The mails of a notice came back, or the one to an account."""
    for each in deliveries(notice):
        if account in (None, each.account_id):
            with transaction(SYSTEM) as tx:
                bounced = update(OutgoingMail).where(OutgoingMail.id == each.mail_id)
                tx.execute(bounced.values(state=MailState.BOUNCED))
    sending.settle(WORKER)
