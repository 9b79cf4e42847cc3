"""The pages of notices: what founders see and do there, and that nobody else opens them."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.web import cookies
from plugins.notifications.notices import sending
from plugins.notifications.notices.models import Audience, Notice, NoticeState
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import (
    ENGLISH,
    HEADING,
    REASON,
    SPANISH,
    WORKER,
    Founders,
    let_out,
    propose,
    row_of,
    waited,
    write,
)

HERE = "/console/incidents/"


def signed_in(app: Flask, world: World, role: str) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie(cookies.ACCOUNT, world.token(role))
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now()))
    return browser


def typed(said: dict[str, dict[str, str]]) -> dict[str, str]:
    return {f"{language}_{name}": text for language, texts in said.items() for name, text in texts.items()}


def step(browser: FlaskClient, notice: str, name: str, **fields: str) -> str:
    page = browser.get(f"{HERE}notices/{notice}").text
    sent = {"csrf_token": form_token(page), "step": name, "seen": str(row_of(notice).version), **fields}
    answer = browser.post(f"{HERE}notices/{notice}/step", data=sent)
    assert (answer.status_code, answer.location) == (303, f"{HERE}notices/{notice}")
    return browser.get(answer.location).text


def test_from_the_list_to_the_approval(app: Flask, world: World, founders: Founders, incident: str) -> None:
    one, other = signed_in(app, world, "founder"), signed_in(app, world, "outsider")
    listed = one.get(f"{HERE}{incident}/notices").text
    assert "Nobody was told yet" in listed
    address = f"{HERE}{incident}/notices/new?audience=staff"
    assert address in listed
    page = one.get(address).text
    form = re.search(r'name="form"[^>]*value="([^"]+)"', page)
    assert form is not None
    given = {"csrf_token": form_token(page), "form": form[1]}
    bad = one.post(address, data={**given, **typed({"en": {**ENGLISH, "what": "https://there.example"}})})
    assert bad.status_code == 422
    assert "Leave out links" in bad.text
    gap = one.post(address, data={**given, **typed({"en": {**ENGLISH, "when": ""}})})
    assert gap.status_code == 303
    notice = gap.location.rpartition("/")[2]
    draft = one.get(gap.location).text
    assert "It cannot be proposed yet" in draft
    assert "When it happened, in English" in draft
    assert 'value="propose"' not in draft
    assert "before it can be proposed" in step(one, notice, "propose")
    edit = one.get(f"{gap.location}/edit").text
    sent = {"csrf_token": form_token(edit), "seen": "0", **typed({"en": ENGLISH, "es": SPANISH})}
    assert one.post(f"{gap.location}/edit", data=sent).status_code == 303
    assert one.post(f"{gap.location}/edit", data=sent).status_code == 422
    proposed = step(one, notice, "propose")
    assert "Waits for a second founder" in proposed
    assert 'value="approve"' not in proposed
    assert 'value="alone"' not in proposed
    assert 'value="approve"' in other.get(gap.location).text
    out = step(other, notice, "approve")
    assert "Is being sent" in out
    sending.send_notices(WORKER, progress=lambda _done: None)
    done = one.get(gap.location).text
    assert "Written to everybody" in done
    assert "Still to be handed over" in done
    assert "May have arrived twice" not in done
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(OutgoingMail).values(state=MailState.SENT, finished_at=clock.now(), maybe_twice=True)
        )
    assert "<dt>May have arrived twice</dt>" in one.get(gap.location).text
    # Nobody's address or name of those whom it went to.
    with transaction(SYSTEM) as tx:
        people = [(each.email, each.name) for each in tx.scalars(select(Account)) if not each.founder]
    shown = done + one.get(f"{HERE}{incident}/notices").text
    assert [each for pair in people for each in pair if each in shown] == []


def test_it_is_shown_as_it_will_be_read(app: Flask, world: World, founders: Founders, incident: str) -> None:
    one = signed_in(app, world, "founder")
    banner = one.get(f"{HERE}notices/{write(founders[0], incident, Audience.BANNER)}").text
    assert banner.count(f'<h2 class="notice-title">{HEADING}') == 2
    assert SPANISH["heading"] in banner
    assert banner.count("Leerlo entero") == 2
    assert "of 100)" in banner
    notice = propose(founders[0], incident, Audience.SCHOOLS)
    mail = one.get(f"{HERE}notices/{notice}").text
    assert "We never ask for a password" in mail
    assert "Qué pasó" in mail
    html = one.get(f"{HERE}notices/{notice}/mail?language=es")
    assert SPANISH["what"] in html.text
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert "script-src" not in html.headers["Content-Security-Policy"]
    of_banner = propose(founders[0], incident, Audience.BANNER)
    assert one.get(f"{HERE}notices/{of_banner}/mail").status_code == 303


def test_one_alone(app: Flask, world: World, founders: Founders, incident: str) -> None:
    one, other = signed_in(app, world, "founder"), signed_in(app, world, "outsider")
    notice = propose(founders[0], incident, Audience.BANNER)
    assert "You may let it go out alone from" in one.get(f"{HERE}notices/{notice}").text
    waited(notice)
    assert 'value="alone"' in one.get(f"{HERE}notices/{notice}").text
    assert 'value="alone"' not in other.get(f"{HERE}notices/{notice}").text
    assert "Say why it cannot wait" in step(one, notice, "alone", reason="")
    out = step(one, notice, "alone", reason=REASON)
    assert "Another founder has to look at it by:" in out
    assert REASON in out
    assert 'value="review"' not in out
    with transaction(SYSTEM) as tx:
        tx.execute(update(Notice).values(review_due_at=clock.now() - timedelta(minutes=1)))
    assert "notice-bad" in one.get(f"{HERE}{incident}/notices").text
    assert "Another founder has to look at it by" not in step(other, notice, "review")
    down = step(other, notice, "take-down", reason="Everybody has been told")
    assert "Everybody has been told" in down
    assert row_of(notice).state == NoticeState.ENDED


@pytest.mark.parametrize("role", ["teacher", "leader", "parent"])
def test_nobody_else_opens_them(
    app: Flask, world: World, founders: Founders, incident: str, role: str
) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    browser = signed_in(app, world, role)
    for address in (
        f"{incident}/notices",
        f"{incident}/notices/new",
        f"notices/{notice}",
        f"notices/{notice}/mail",
        f"notices/{notice}/edit",
    ):
        answer = browser.get(f"{HERE}{address}")
        assert answer.status_code in {403, 404}
        assert HEADING not in answer.text


def test_a_drill_says_that_it_is_one(app: Flask, world: World, founders: Founders, drill: str) -> None:
    one = signed_in(app, world, "founder")
    notice = let_out(founders, drill, Audience.BANNER)
    assert "This is a drill." in one.get(f"{HERE}{drill}/notices").text
    page = one.get(f"{HERE}notices/{notice}").text
    assert "This is a drill." in page
    assert HEADING in page


def test_a_step_that_is_none_does_nothing(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    one = signed_in(app, world, "founder")
    notice = propose(founders[0], incident, Audience.BANNER)
    step(one, notice, "nothing")
    one.post(f"{HERE}notices/{notice}/step", data={"step": "take-back"})
    assert row_of(notice).state == NoticeState.PROPOSED
    step(one, notice, "approve", seen="99999999999999")
    assert row_of(notice).state == NoticeState.PROPOSED
