"""Taking the whole of an incident along: for whom, and that it was done, stand in the record."""

import hashlib
from dataclasses import dataclass, field

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import Paper
from backoffice.problems import Rejected
from backoffice.wording import clean
from plugins.notifications import clocks, said
from plugins.notifications.evidence import paper
from plugins.notifications.evidence.bundle import as_json, pack
from plugins.notifications.evidence.content import content_of
from plugins.notifications.models import EntryKind, Incident
from plugins.notifications.permissions import INCIDENTS_RUN
from plugins.notifications.services import lock_open, write

LONGEST_WHOM = 120
FOR_WHOM = lazy("Say for whom it is, such as the name of an authority, in at most 120 letters.")


@dataclass(frozen=True)
class Bundle:
    """A file that proves what it holds, and its SHA-256."""

    packed: bytes = field(repr=False)
    digest: str


def make_bundle(*, principal: Principal, incident: str, whom: str, sheet: Paper) -> Bundle:
    """The whole incident as a signed bundle, as it is known now; nothing of it is kept here.

    The line of the timeline that says so is not in it: it names its hash. Of a closed incident, whose
    timeline has ended, only the trail says so. Raises `Rejected`, `ProofNeeded`, `Denied`, `NotFound`.
    """
    whom = clean(whom)
    if not whom or len(whom) > LONGEST_WHOM:
        raise Rejected(whom=FOR_WHOM)
    now = clock.now()
    with transaction(principal) as tx:
        row = find(tx, Incident, incident, permission=INCIDENTS_RUN)
        proof.demand(tx)
        if row.closed_at is None:
            row = lock_open(tx, row.id)
        told, found = content_of(tx, row, now=now), clocks.standing(tx, row)
        on_paper = paper.printed(told, said.clocks(found, now), said.not_owed(found), paper=sheet)
        packed = pack({"incident.json": as_json(told), "incident.pdf": on_paper})
        digest = hashlib.sha256(packed).hexdigest()
        if row.closed_at is None:
            line = gettext(
                "Evidence was taken along for %(whom)s. SHA-256 of the file: %(digest)s",
                whom=whom,
                digest=digest,
            )
            write(tx, row, EntryKind.NOTE, line)
        record(tx, "incidents.take-evidence", incident=row.id, whom=whom, sha256=digest)
    return Bundle(packed, digest)
