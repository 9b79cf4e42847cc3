"""The pages of buying without a card, as whoever leads the school goes through them."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice.access.transaction import transaction
from backoffice.schools.models import School
from plugins.billing.models import InvoiceStatus
from plugins.billing.orders.models import OrderState, Quote
from tests.factories.paper import picture, text_of
from tests.factories.visitor import form_token, send, signed_in
from tests.plugins.billing.buying import NUMBER, PDF, WHO, Buying, buying, stand_in

__all__ = ["buying", "stand_in"]
TOP = "/console/billing/"
OTHERS = ("founder", "officer", "teacher", "colleague", "co_teacher", "helper", "parent", "outsider")


@pytest.fixture
def leader(app: Flask, buying: Buying) -> FlaskClient:
    return signed_in(app, buying.world, "leader")


def here(buying: Buying) -> str:
    return f"/console/billing/{buying.school}"


def order_fields(**more: Any) -> Mapping[str, Any]:
    file = (BytesIO(PDF), "order-of-Ottilie.pdf")
    return {"number": NUMBER, "invoice_to": "office@school.example", "file": file, **more}


def test_from_the_quote_to_the_cheque(leader: FlaskClient, buying: Buying) -> None:
    base = here(buying)
    made = send(leader, f"{base}/quotes", {"price": "school_seat_yearly", "seats": "12"})
    assert made.status_code == 303
    (quote,) = buying.rows(Quote)
    page = leader.get(f"{base}/quotes").text
    assert quote.number in page
    assert "$720 a year" in page
    where = f"{TOP}quotes/{quote.public_id}/order"
    assert where in page

    refused = send(leader, where, order_fields(file=(BytesIO(b"GIF89a"), "order.pdf")))
    assert refused.status_code == 422
    assert "This is no PDF, PNG or JPEG." in refused.text
    ordered = send(leader, where, order_fields())
    assert ordered.status_code == 303
    row = buying.order_row()
    assert "Ordered" in leader.get(f"{base}/quotes").text
    assert leader.get(where).status_code == 303
    file = leader.get(f"{TOP}orders/{row.public_id}")
    assert (file.data, file.mimetype) == (PDF, "application/pdf")
    assert file.headers["Content-Disposition"] == f'attachment; filename="order-{row.public_id}.pdf"'
    assert file.headers["X-Content-Type-Options"] == "nosniff"

    buying.place()
    page = leader.get(f"{base}/quotes").text
    assert "Invoice sent" in page
    assert buying.order_row().state == OrderState.SENT
    invoice = buying.invoice()
    where = f"{TOP}invoices/{invoice.public_id}/paid"
    assert where in leader.get(base).text
    fields = {"way": "check", "reference": "1001", "on": "2026-01-01", "amount": "720"}
    assert send(leader, where, fields).status_code == 422
    day = quote.made_at.date().isoformat()
    assert send(leader, where, {**fields, "on": day}).status_code == 303
    (there,) = [each for each in buying.there("invoice") if each["id"] == invoice.stripe_id]
    assert (there["status"], there["metadata"]["paid_by"]) == (InvoiceStatus.PAID, "check")


def test_a_quote_on_paper(leader: FlaskClient, buying: Buying) -> None:
    public = buying.quoted(7)
    with transaction(WHO) as tx:
        tx.execute(
            update(School)
            .where(School.id == buying.world.elsewhere.id)
            .values(postal_address="12 Harbor Street\nPortland, ME 04101")
        )
        name = tx.scalars(select(School.name).where(School.id == buying.world.elsewhere.id)).one()
    answer = leader.get(f"{TOP}quotes/{public}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="quote-{public}.pdf"'
    said = " ".join(text_of(answer.data).split())
    for each in ("Q-20", name, "12 Harbor Street", "$60 per teacher a year", "$420 a year", "How to order"):
        assert each in said
    for person in buying.world.people.values():
        assert str(person.name) not in said
    sheet = picture(answer.data)
    # Something is printed, and nothing on the edge that printers keep.
    edge = sheet.convert("L").crop((0, 0, 50, sheet.height))
    assert edge.getextrema() == (255, 255)


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_opens_anything(app: Flask, buying: Buying, role: str) -> None:
    quoted = buying.quoted()
    ordered = buying.ordered(quoted)
    buying.place()
    invoice = buying.invoice().public_id
    browser = signed_in(app, buying.world, role)
    paths = (
        f"{here(buying)}/quotes",
        f"{here(buying)}/exemption",
        f"{TOP}quotes/{quoted}",
        f"{TOP}quotes/{quoted}/order",
        f"{TOP}orders/{ordered}",
        f"{TOP}invoices/{invoice}/paid",
    )
    assert [path for path in paths if browser.get(path).status_code != 404] == []
    token = form_token(browser.get("/account").text)
    sent = {"csrf_token": token, "number": NUMBER, "way": "check", "reference": "1"}
    posted = (paths[0], paths[1], paths[3], paths[5], f"{TOP}orders/{ordered}/again")
    assert [path for path in posted if browser.post(path, data=sent).status_code != 404] == []
