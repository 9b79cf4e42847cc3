"""Two founders who have just proved to be it, incidents of the home school, and notices as they could be."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.runtime import Runtime
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.models import ConcernedSchool, Incident, TimelineEntry
from plugins.notifications.notices import services
from plugins.notifications.notices.models import Audience, Notice, NoticeDelivery
from tests.contract.snapshot import Snapshots, snapshots
from tests.factories.world import SYSTEM, World, add_app

WORKER = Purpose("notifications.send-notices")
Founders = tuple[Principal, Principal]
HEADING = "Lists of classes could be read"
ENGLISH = {
    "heading": HEADING,
    "what": "Somebody could read lists of classes.\nThey could change nothing.",
    "when": "On Monday from 9:00 to 9:20.",
    "which": "Names of classes.",
    "we_do": "We have closed the gap.",
    "you_do": "You need to do nothing.",
    "contact": "security@backoffice.example",
}
SPANISH = {
    "heading": "Se pudieron leer listas de clases",
    "what": "Alguien pudo leer listas de clases.",
    "when": "El lunes de 9:00 a 9:20.",
    "which": "Nombres de clases.",
    "we_do": "Hemos cerrado la brecha.",
    "you_do": "No tiene que hacer nada.",
    "contact": "security@backoffice.example",
}
BOTH = {"en": ENGLISH, "es": SPANISH}
REASON = "The other founder is on a plane until tonight"


@pytest.fixture(scope="module")
def backup(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    """The state before anything was told. To settle is to restore it."""
    del world
    with snapshots(runtime) as taken:
        taken.keep()
        yield taken
        taken.settle()


@pytest.fixture
def founders(runtime: Runtime, world: World, backup: Snapshots) -> Iterator[Founders]:
    """The founder, and somebody of another school who is one too."""
    second = world.people["outsider"]
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))
        connection.execute(text("update app.account set founder = true where id = :id"), {"id": second.id})
    second.secret = None
    add_app(second)
    yield proven(world, "founder"), proven(world, "outsider")
    backup.settle()


def proven(world: World, role: str) -> Principal:
    who = world.sign_in(role)
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == who.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
    return who


@pytest.fixture
def incident(world: World, founders: Founders) -> str:
    """One that concerns the home school."""
    return opened(world, founders[0])


@pytest.fixture
def drill(world: World, founders: Founders) -> str:
    """One that is played."""
    return opened(world, founders[0], is_drill=True)


def opened(world: World, by: Principal, **values: Any) -> str:
    now = clock.now()
    facts = {
        "title": "Lists of classes",
        "what": "Lists could be read",
        "is_drill": False,
        "kinds": [],
        "role": Role.PROCESSOR,
        "risk": Risk.UNASSESSED,
        "encrypted": Encrypted.NO,
        "version": 0,
        "noticed_at": now,
        "opened_at": now,
        "opened_by": by.account_id,
        "form": str(uuid4()),
        **values,
    }
    with transaction(SYSTEM) as tx:
        made = Incident(id=tx.take_id(Incident), public_id=new_public_id(), **facts)
        tx.add(made)
        tx.flush()
        numbers = {"students": 2, "staff": 3, "parents": 1}
        place = {"place": "US-CA", "time_zone": "America/Los_Angeles", "school_id": world.home.id}
        tx.add(ConcernedSchool(public_id=new_public_id(), incident_id=made.id, **place, **numbers))
        return made.public_id


Written = Callable[..., str]


def write(by: Principal, incident: str, audience: Audience, said: Any = BOTH) -> str:
    return services.write_notice(
        principal=by, incident=incident, audience=audience, said=said, form=str(uuid4())
    )


def propose(by: Principal, incident: str, audience: Audience, said: Any = BOTH) -> str:
    notice = write(by, incident, audience, said)
    services.propose_notice(principal=by, notice=notice, version=0)
    return notice


def let_out(founders: Founders, incident: str, audience: Audience, said: Any = BOTH) -> str:
    notice = propose(founders[0], incident, audience, said)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    return notice


def row_of(notice: str) -> Notice:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Notice).where(Notice.public_id == notice)).one()


def waited(notice: str, *, hours: float = 1.1) -> None:
    """It was proposed so long ago."""
    at = clock.now() - timedelta(hours=hours)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Notice).where(Notice.public_id == notice).values(proposed_at=at))


def deliveries(notice: str) -> list[NoticeDelivery]:
    with transaction(SYSTEM) as tx:
        of_it = select(NoticeDelivery).where(NoticeDelivery.notice_id == row_of(notice).id)
        return list(tx.scalars(of_it.order_by(NoticeDelivery.id)))


def mails(name: str = "notifications.notice-v1") -> list[tuple[str, str]]:
    """To whom such mails were written, and what they say."""
    with transaction(SYSTEM) as tx:
        found = (
            select(MailContent.recipient, MailContent.message)
            .join(OutgoingMail, OutgoingMail.id == MailContent.mail_id)
            .where(OutgoingMail.name == name)
        )
        return [(to, said.decode()) for to, said in tx.execute(found.order_by(OutgoingMail.id))]


def timeline(incident: str) -> list[tuple[str, str, str | None]]:
    with transaction(SYSTEM) as tx:
        mine = (
            TimelineEntry.incident_id
            == select(Incident.id).where(Incident.public_id == incident).scalar_subquery()
        )
        wanted = (TimelineEntry.kind, TimelineEntry.said, TimelineEntry.reason)
        return [
            (each[0], each[1], each[2])
            for each in tx.execute(select(*wanted).where(mine).order_by(TimelineEntry.id))
        ]
