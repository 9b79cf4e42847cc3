"""What a form to an authority begins with, and which notices are samples for it."""

from collections.abc import Sequence

from backoffice.access.lookup import rows_of
from backoffice.access.transaction import Transaction
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import Audience, Notice, NoticeState
from plugins.notifications.notices.wordings import ENGLISH, NATURE, Said, Template
from plugins.notifications.permissions import INCIDENTS_READ

# What one authority is told as another is; the rest is of the one rule.
_OF_ALL = frozenset({"nature", "when", "records", "consequences", "measures", "told", "offered", "contact"})


def begun(tx: Transaction, incident: Incident, template: Template) -> Said:
    """What a new form says at first: as another authority is told, else what is known to have happened."""
    others = rows_of(tx.principal, Notice, INCIDENTS_READ).where(
        Notice.incident_id == incident.id, Notice.audience == Audience.AUTHORITY
    )
    other = tx.scalars(others.order_by(Notice.id.desc()).limit(1)).first()
    if other is None:
        return {ENGLISH: {NATURE.name: incident.what}}
    names = _OF_ALL & {field.name for field in template.fields}
    return {
        language: {name: text for name, text in texts.items() if name in names}
        for language, texts in other.said.items()
    }


def samples(tx: Transaction, incident: Incident) -> Sequence[Notice]:
    """The notices to people that were approved: an authority may ask for a sample of them."""
    let_out = rows_of(tx.principal, Notice, INCIDENTS_READ).where(
        Notice.incident_id == incident.id,
        Notice.audience.in_((Audience.STAFF, Audience.PARENTS)),
        Notice.state.in_((NoticeState.APPROVED, NoticeState.SENT)),
    )
    return tx.scalars(let_out.order_by(Notice.id)).all()


def called(tx: Transaction, public_ids: Sequence[str]) -> Sequence[Notice]:
    """The notices with these identifiers."""
    named = rows_of(tx.principal, Notice, INCIDENTS_READ).where(Notice.public_id.in_(public_ids))
    return tx.scalars(named.order_by(Notice.id)).all()
