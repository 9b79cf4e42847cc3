"""What Stripe tells: noted once, whatever else comes with it, and nothing that is not Stripe's."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select
from stripe import WebhookSignature
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from plugins.billing import asking, webhooks
from plugins.billing.models import EventState, StripeEvent
from tests.factories.world import SYSTEM
from tests.plugins.billing.conftest import SECRET

pytestmark = pytest.mark.usefixtures("nowhere", "none_told")
CARD = "4242424242424242"


@pytest.fixture
def none_told(app: Flask) -> Iterator[None]:
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(StripeEvent).where(StripeEvent.stripe_id.like("evt_test%")))


def event(named: str = "evt_test_1", **said: Any) -> dict[str, Any]:
    thing = {"id": "sub_9", "object": "subscription", "customer": "cus_9", "note": f"Wilhelmina, {CARD}"}
    return {
        "id": named,
        "object": "event",
        "livemode": False,
        "type": "customer.subscription.updated",
        "created": int(clock.now().timestamp()),
        "data": {"object": thing},
        **said,
    }


def sign(body: str, *, secret: str = SECRET, at: int | None = None) -> str:
    return str(WebhookSignature.generate_signature_header(body, secret, at or int(clock.now().timestamp())))


def told(app: Flask, said: Any, header: str | None = None, **options: Any) -> TestResponse:
    body = said if isinstance(said, str) else json.dumps(said)
    headers = {"Stripe-Signature": sign(body) if header is None else header}
    options.setdefault("content_type", "application/json")
    return app.test_client().post("/webhooks/stripe", data=body, headers=headers, **options)


def noted() -> list[StripeEvent]:
    with transaction(SYSTEM) as tx:
        mine = select(StripeEvent).where(StripeEvent.stripe_id.like("evt_test%"))
        return list(tx.scalars(mine.order_by(StripeEvent.id)))


def test_it_is_noted_once(app: Flask) -> None:
    for _ in range(3):
        assert told(app, event()).status_code == 200
    (row,) = noted()
    assert (row.stripe_id, row.kind, row.customer, row.thing, row.state) == (
        *("evt_test_1", "customer.subscription.updated", "cus_9", "sub_9"),
        EventState.WAITING,
    )


def test_nothing_of_what_it_said_is_kept(app: Flask) -> None:
    told(app, event())
    (row,) = noted()
    kept = " ".join(str(getattr(row, column.key)) for column in StripeEvent.__table__.columns)
    assert (CARD in kept, "Wilhelmina" in kept) == (False, False)


@pytest.mark.parametrize(
    ("customer", "known"),
    [("cus_9", "cus_9"), ({"id": "cus_9", "email": "a@b.example"}, "cus_9"), (None, None), (7, None)],
)
def test_whom_it_is_about_in_every_shape(app: Flask, customer: Any, known: str | None) -> None:
    assert told(app, event(data={"object": {"id": "in_9", "customer": customer}})).status_code == 200
    assert noted()[0].customer == known


def test_a_customer_is_about_itself(app: Flask) -> None:
    told(app, event(data={"object": {"id": "cus_9", "object": "customer"}}))
    assert noted()[0].customer == "cus_9"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "t=1,v1=00",
        "t=abc,v1=00",
        "v1=00",
        "t=now",
    ],
)
def test_without_a_signature_it_is_nothing(app: Flask, header: str) -> None:
    header = header.replace("now", str(int(clock.now().timestamp())))
    assert told(app, event(), header).status_code == 400
    assert noted() == []


def test_another_secret_or_another_body_is_refused(app: Flask) -> None:
    body = json.dumps(event())
    assert told(app, body, sign(body, secret="whsec_other")).status_code == 400
    assert told(app, body.replace("sub_9", "sub_8"), sign(body)).status_code == 400
    assert noted() == []


@pytest.mark.parametrize(
    ("seconds", "status"), [(-290, 200), (-310, 400), (290, 200), (310, 400), (10**9, 400)]
)
def test_neither_old_nor_from_the_future(app: Flask, seconds: int, status: int) -> None:
    """Replayed, or signed ahead by whoever had the secret once: Stripe's library lets the future pass."""
    body = json.dumps(event())
    assert told(app, body, sign(body, at=int(clock.now().timestamp()) + seconds)).status_code == status


# Named by their place: what they say has the time in it.
NO_MESSAGES = (
    "[]",
    "1",
    "nonsense",
    '{"object": "event"}',
    "[" * 5000,
    json.dumps(event(data=[])),
    json.dumps(event(data={"object": "x"})),
    json.dumps(event(object="v2.core.event")),
    json.dumps({**event(), "id": "evt_test_" + "x" * 300}),
    json.dumps({**event(), "id": "evt_test_\u0000"}),
    json.dumps({**event(), "created": "today"}),
    json.dumps({**event(), "created": 10**30}),
    json.dumps({**event(), "created": True}),
    # Of the other mode, or of none.
    json.dumps({**event(), "livemode": True}),
    json.dumps({**event(), "livemode": None}),
    json.dumps({**event(), "type": {"$ne": 1}}),
)


@pytest.mark.parametrize("said", NO_MESSAGES, ids=range(len(NO_MESSAGES)))
def test_what_is_no_message_is_refused(app: Flask, said: str) -> None:
    assert told(app, said).status_code == 400
    assert noted() == []


@pytest.mark.parametrize(
    ("key", "is_live"),
    [("sk_live_1", True), ("rk_live_1", True), ("sk_test_1", False), ("rk_test_live_1", False), ("", False)],
)
def test_the_mode_of_a_key(key: str, is_live: bool) -> None:
    assert asking.is_live_key(key) is is_live


def test_no_more_is_read_than_a_message_has(app: Flask) -> None:
    large = event(padding="x" * webhooks.LARGEST)
    assert told(app, large).status_code == 413
    assert noted() == []


def test_what_is_no_text_is_refused(app: Flask) -> None:
    answer = app.test_client().post(
        "/webhooks/stripe", data=b"\xff\xfe", headers={"Stripe-Signature": "t=1,v1=00"}
    )
    assert answer.status_code == 400


def test_only_sending_is_allowed(app: Flask) -> None:
    assert app.test_client().get("/webhooks/stripe").status_code == 405


def test_without_a_database_stripe_tells_it_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from backoffice.storage import database
    from backoffice.storage.database import Database

    gone = Database("postgresql://nobody:x@/nowhere?host=/nonexistent")
    monkeypatch.setattr(database, "_current", gone)
    assert told(app, event()).status_code == 503


def test_the_web_alone_reads_nothing_of_it(app: Flask) -> None:
    told(app, event())
    with transaction(Nobody()) as tx:
        assert tx.scalars(select(StripeEvent)).all() == []
