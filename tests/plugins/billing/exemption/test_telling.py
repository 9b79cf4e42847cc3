"""A certificate is told to Stripe once, warned of once, and taken back when its last day is over."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected
from plugins.billing import papers
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.exemption.services import Given, certificate_file, hand_in
from plugins.billing.exemption.telling import Told, tell
from tests.plugins.billing.buying import PDF, WHO, Buying, buying, stand_in

__all__ = ["buying", "stand_in"]


def given(buying: Buying, days: int = 300, *, state: str = "ma") -> str:
    what = Given(state, clock.now().date() + timedelta(days=days), PDF)
    return hand_in(principal=buying.leader, payer=buying.school, given=what)


def told(buying: Buying) -> tuple[int, int, int, int]:
    found: Told = tell(WHO, buying.stripe.client)
    return found.begun, found.ended, found.warned, found.waiting


def at_stripe(buying: Buying) -> str:
    """What Stripe has of the school that was made last."""
    return str(buying.there("customer")[-1]["tax_exempt"])


def ends(public: str, in_days: float) -> None:
    with transaction(WHO) as tx:
        row = update(TaxCertificate).where(TaxCertificate.public_id == public)
        tx.execute(row.values(ends_at=clock.now() + timedelta(days=in_days)))


def mails(buying: Buying) -> list[str]:
    with transaction(WHO) as tx:
        mine = select(OutgoingMail.name).where(
            OutgoingMail.school_id == buying.world.elsewhere.id,
            OutgoingMail.name.like("billing.certificate%"),
        )
        return sorted(tx.scalars(mine))


def test_from_the_certificate_to_its_end(buying: Buying) -> None:
    before = len(mails(buying))
    public = given(buying)
    assert told(buying) == (1, 0, 0, 0)
    assert at_stripe(buying) == "exempt"
    assert told(buying) == (0, 0, 0, 0)
    ends(public, 29.9)
    assert told(buying) == (0, 0, 1, 0)
    assert told(buying) == (0, 0, 0, 0)
    ends(public, -0.1)
    assert told(buying) == (0, 1, 0, 0)
    assert told(buying) == (0, 0, 0, 0)
    assert at_stripe(buying) == "none"
    assert mails(buying)[before:] == ["billing.certificate-ends", "billing.certificate-over"]


def test_a_newer_one_takes_its_place(buying: Buying) -> None:
    old = given(buying)
    told(buying)
    new = given(buying, 600, state="RI")
    rows = {each.public_id: each for each in buying.rows(TaxCertificate)}
    assert rows[old].replaced_at is not None
    assert (rows[new].replaced_at, rows[new].state) == (None, "RI")
    # The end of the old one ends nothing.
    ends(old, -1)
    assert told(buying) == (1, 0, 0, 0)
    assert at_stripe(buying) == "exempt"


def test_while_stripe_is_away_it_waits(buying: Buying) -> None:
    given(buying)
    buying.stand_in.control.fail("/v1/customers", times=5, status=500)
    assert told(buying) == (0, 0, 0, 1)
    buying.stand_in.control.mend()
    assert told(buying) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("state", "day", "file", "wrong"),
    [
        ("Mass", date(2999, 1, 1), PDF, "state"),
        ("1A", date(2999, 1, 1), PDF, "state"),
        ("MA", date(2020, 1, 1), PDF, "last_day"),
        ("MA", date(2999, 1, 1), PDF, "last_day"),
        ("MA", None, PDF, "last_day"),
        ("MA", date(2999, 1, 1), b"MZ", "file"),
    ],
)
def test_what_is_no_certificate_is_refused(
    buying: Buying, state: str, day: date | None, file: bytes, wrong: str
) -> None:
    with pytest.raises(Rejected) as rejected:
        hand_in(principal=buying.leader, payer=buying.school, given=Given(state, day, file))
    assert list(rejected.value.fields) == [wrong]


def test_nobody_else_reaches_it(buying: Buying) -> None:
    public = given(buying)
    for role in ("teacher", "elsewhere", "outsider", "founder", "officer", "parent"):
        who = buying.world.sign_in(role)
        with pytest.raises(NotFound):
            certificate_file(principal=who, certificate=public)
        with pytest.raises(NotFound):
            what = Given("MA", clock.now().date() + timedelta(days=90), PDF)
            hand_in(principal=who, payer=buying.school, given=what)
    content, kind = certificate_file(principal=buying.leader, certificate=public)
    assert (content, kind) == (PDF, papers.FileKind.PDF)
