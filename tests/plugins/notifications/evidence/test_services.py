"""The bundle that founders take along: what is in it, what the record says, and who may."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pypdfium2
import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import proof
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditDetail
from backoffice.printing.document import Paper
from backoffice.problems import Rejected
from plugins.notifications.evidence import services
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import Audience
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import Founders, let_out, opened, timeline

WHOM = "The authority of Somewhere"


def made(founders: Founders, incident: str, whom: str = WHOM) -> services.Bundle:
    return services.make_bundle(principal=founders[0], incident=incident, whom=whom, sheet=Paper.A4)


def inside(bundle: services.Bundle) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle.packed)) as found:
        return {name: found.read(name) for name in found.namelist()}


def words(pdf: bytes) -> list[str]:
    """What stands on each page."""
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]


@pytest.fixture
def incident(world: World, founders: Founders) -> str:
    return opened(world, founders[0], kinds=["name"])


def test_all_of_it_is_there_and_the_record_says_for_whom(founders: Founders, incident: str) -> None:
    let_out(founders, incident, Audience.STAFF)
    bundle = made(founders, incident)
    files = inside(bundle)
    assert {"incident.json", "incident.pdf", "MANIFEST.json", "MANIFEST.sig", "README.txt"} <= set(files)
    assert json.loads(files["incident.json"])["incident"] == incident
    said = " ".join(" ".join(words(files["incident.pdf"])).split())
    for part in (
        "Lists of classes",
        "Lists could be read",
        "Who has to be told by when",
        "founder A",
        "Names",
    ):
        assert part in said
    assert "DRILL" not in said
    kind, line, _why = timeline(incident)[-1]
    assert kind == "note"
    assert WHOM in line
    assert hashlib.sha256(bundle.packed).hexdigest() == bundle.digest
    assert bundle.digest in line


def test_each_page_of_a_drill_says_so(world: World, founders: Founders) -> None:
    drill = opened(world, founders[0], is_drill=True, what="A long story.\n" * 250)
    pages = words(inside(made(founders, drill))["incident.pdf"])
    assert len(pages) > 1
    assert all("DRILL" in page for page in pages)


def test_of_a_closed_one_the_trail_alone_says_so(founders: Founders, incident: str) -> None:
    before = len(timeline(incident))
    with transaction(SYSTEM) as tx:
        closed = update(Incident).where(Incident.public_id == incident)
        tx.execute(closed.values(closed_at=Incident.opened_at, closed_by=founders[0].account_id))
    bundle = made(founders, incident)
    assert len(timeline(incident)) == before
    with transaction(SYSTEM) as tx:
        newest = select(AuditDetail.detail).order_by(AuditDetail.entry_id.desc()).limit(1)
        detail = tx.scalars(newest).one()
    assert (detail["whom"], detail["sha256"]) == (WHOM, hashlib.sha256(bundle.packed).hexdigest())


@pytest.mark.parametrize("whom", ["", "   ", "x" * 121])
def test_it_has_to_be_for_somebody(founders: Founders, incident: str, whom: str) -> None:
    with pytest.raises(Rejected):
        made(founders, incident, whom)


def test_a_founder_has_to_prove_to_be_it(world: World, founders: Founders, incident: str) -> None:
    del founders
    stale = world.sign_in("founder")
    with transaction(SYSTEM) as tx:
        late = clock.now() - proof.LASTS - timedelta(seconds=1)
        tx.execute(update(AccountSession).where(AccountSession.id == stale.session_id).values(proven_at=late))
    with pytest.raises(ProofNeeded):
        services.make_bundle(principal=stale, incident=incident, whom=WHOM, sheet=Paper.A4)


@pytest.mark.parametrize("role", ["leader", "teacher", "parent", "officer"])
def test_nobody_else_may(world: World, founders: Founders, incident: str, role: str) -> None:
    del founders
    with pytest.raises((Denied, NotFound)):
        services.make_bundle(principal=world.sign_in(role), incident=incident, whom=WHOM, sheet=Paper.A4)
