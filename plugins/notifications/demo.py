"""For the demo: an incident of last month, from its first hour to the day on which it was closed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.schools.models import School
from backoffice.storage.public_id import new_public_id
from plugins.notifications import clocks
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.models import ConcernedSchool, EntryKind, Incident, IncidentTask, TimelineEntry
from plugins.notifications.notices import wordings
from plugins.notifications.notices.models import (
    Audience,
    DeliveryState,
    Notice,
    NoticeDelivery,
    NoticeState,
    NoticeStep,
    StepKind,
)
from plugins.notifications.notices.services import SENT

AGO = timedelta(days=33)
SAID: Mapping[str, Mapping[str, str]] = {
    "en": {
        "heading": "Two class lists were shown to a teacher of another school",
        "what": "A mistake in our software let a teacher of another school open the lists of two classes of"
        " yours. The teacher told us the same hour, and has kept nothing.",
        "when": "For 52 minutes. We were told after four of them, and mended it at once.",
        "which": "First names and usernames of 41 students. No passwords, no points and no notes.",
        "we_do": "The mistake is mended, and a test looks for it before each release. We read every access"
        " of that time: nobody else opened the lists.",
        "you_do": "Nothing has to be done. If families ask you, you may pass this on as it is.",
        "contact": "security@company.example",
    },
    "es": {
        "heading": "Dos listas de clase se mostraron a un docente de otro centro",
        "what": "Un error de nuestro programa permitió a un docente de otro centro abrir las listas de dos"
        " clases suyas. El docente nos avisó en la misma hora y no ha guardado nada.",
        "when": "Durante 52 minutos. Se nos avisó a los cuatro minutos y lo corregimos de inmediato.",
        "which": "Nombres de pila y nombres de usuario de 41 estudiantes. Ni contraseñas ni puntos ni notas.",
        "we_do": "El error está corregido, y una prueba lo busca antes de cada versión. Hemos leído todos los"
        " accesos de ese tiempo: nadie más abrió las listas.",
        "you_do": "No hay que hacer nada. Si las familias preguntan, puede darles este aviso tal como está.",
        "contact": "security@company.example",
    },
}
# After how long, what kind of line, what it says, and why.
TIMELINE: tuple[tuple[timedelta, EntryKind, str, str | None], ...] = (
    (timedelta(minutes=4), EntryKind.NOTE, "A teacher called: lists of another school can be opened.", None),
    (
        timedelta(minutes=9),
        EntryKind.SCHOOLS,
        "1 school is concerned: 41 students, 2 staff",
        None,
    ),
    (
        timedelta(minutes=48),
        EntryKind.NOTE,
        "The mistake is mended. Nobody can open them any more.",
        None,
    ),
    (
        timedelta(hours=2),
        EntryKind.DECISION,
        "The school is told today, families through the school.",
        "Names and usernames alone, seen by one teacher who says so in writing.",
    ),
)
# After how long the notice went, and the incident was closed.
TOLD, CLOSED = timedelta(hours=3), timedelta(days=6)


def fill(tx: Transaction, at: datetime) -> None:
    """Keep the incident as if it had been lived through a month before this moment."""
    founders = tx.scalars(select(Account.id).where(Account.founder).order_by(Account.id)).all()
    school = tx.scalars(select(School).where(School.district_id.is_not(None)).order_by(School.id)).first()
    assert school is not None
    noticed = at - AGO
    incident = _incident(tx, noticed, founders)
    concerned = ConcernedSchool(
        id=tx.take_id(ConcernedSchool),
        public_id=new_public_id(),
        incident_id=incident,
        school_id=school.id,
        place=clocks.place_of(school.country, school.state),
        time_zone=school.time_zone,
        students=41,
        staff=2,
        parents=0,
        told_at=noticed + TOLD,
    )
    tx.add(concerned)
    tx.flush()
    notice = _notice(tx, incident, noticed + TOLD, founders)
    # Its security contact has the mail, which is nobody's account.
    sent = {"state": DeliveryState.SENT, "maybe_twice": False, "addressed_at": noticed + TOLD}
    settled = noticed + TOLD + timedelta(seconds=4)
    to = {"id": tx.take_id(NoticeDelivery), "notice_id": notice, "concerned_school_id": concerned.id}
    tx.execute(insert(NoticeDelivery).values(**to, **sent, settled_at=settled))


def _incident(tx: Transaction, noticed: datetime, founders: Any) -> int:
    number = tx.take_id(Incident)
    tx.add(
        Incident(
            id=number,
            public_id=new_public_id(),
            title="Class lists open to another school",
            what="A teacher of another school could open the lists of two classes for 52 minutes.",
            systems="The page of a class",
            is_drill=False,
            role=Role.PROCESSOR,
            risk=Risk.UNLIKELY,
            kinds=["name", "username"],
            encrypted=Encrypted.NO,
            noticed_at=noticed,
            determined_at=noticed + timedelta(hours=1),
            confirmed_at=noticed + timedelta(hours=2),
            opened_at=noticed + timedelta(minutes=4),
            opened_by=founders[0],
            led_by=founders[0],
            closed_at=noticed + CLOSED,
            closed_by=founders[-1],
            version=2,
            form=str(uuid4()),
        )
    )
    tx.flush()
    told = (TOLD, EntryKind.TOLD, str(SENT[Audience.SCHOOLS]), None)
    closed = (
        CLOSED,
        EntryKind.CLOSED,
        "Closed",
        "The school has no more questions. Nothing is left to do.",
    )
    for after, kind, said, reason in (*TIMELINE, told, closed):
        by = None if kind is EntryKind.TOLD else founders[0]
        then = {"happened_at": noticed + after, "written_at": noticed + after, "written_by": by}
        line = {"incident_id": number, "kind": kind, "said": said, "reason": reason, **then}
        tx.execute(insert(TimelineEntry).values(id=tx.take_id(TimelineEntry), **line))
    tx.add(
        IncidentTask(
            id=tx.take_id(IncidentTask),
            public_id=new_public_id(),
            incident_id=number,
            said="Read every access of these 52 minutes",
            added_at=noticed + timedelta(minutes=10),
            due_at=noticed + timedelta(days=1),
            done_at=noticed + timedelta(hours=5),
            done_by=founders[-1],
        )
    )
    return number


def _notice(tx: Transaction, incident: int, at: datetime, founders: Any) -> int:
    template, number = wordings.newest(Audience.SCHOOLS), tx.take_id(Notice)
    tx.add(
        Notice(
            id=number,
            public_id=new_public_id(),
            incident_id=incident,
            audience=Audience.SCHOOLS,
            template=template.name,
            template_version=template.version,
            said=SAID,
            state=NoticeState.SENT,
            version=1,
            form=str(uuid4()),
            written_by=founders[0],
            written_at=at - timedelta(minutes=40),
            proposed_by=founders[0],
            proposed_at=at - timedelta(minutes=12),
            approved_by=founders[-1],
            approved_at=at - timedelta(minutes=1),
            sent_at=at,
        )
    )
    tx.flush()
    steps = ((StepKind.PROPOSED, 12, founders[0]), (StepKind.APPROVED, 1, founders[-1]))
    for kind, minutes, who in steps:
        done = {"kind": kind, "done_at": at - timedelta(minutes=minutes), "done_by": who}
        tx.execute(insert(NoticeStep).values(id=tx.take_id(NoticeStep), notice_id=number, **done))
    return number
