"""The policy of retention for everybody, as a page and as data."""

from datetime import datetime, timedelta
from pathlib import Path

import time_machine
from flask.testing import FlaskClient

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.privacy.retention import in_force, policy
from backoffice.privacy.retention.models import PolicyVersion
from backoffice.privacy.retention.runs import Rules, run_kinds
from backoffice.runtime import Runtime
from tests.factories.retention import decide_otherwise, forget_policies
from tests.factories.world import SYSTEM
from tests.privacy.retention.conftest import Sessions

PAGE, DATA = "/privacy/retention", "/privacy/retention.json"


def told_to_schools(now: datetime, later: datetime) -> None:
    """What is on the disk was decided now, and is longer for worries from a later moment on."""
    with transaction(SYSTEM) as tx:
        said = policy.on_disk()
        of = {"proposed_at": now, "confirmed_at": now, "told_at": now, "later_at": later, "told": 2}
        version = {"said": said.said, "digest": said.digest, "later": ["worries"]}
        tx.add(PolicyVersion(state="confirmed", **of, **version))
    in_force.forget()


def test_every_entry_of_the_file_is_said_to_everybody(client: FlaskClient) -> None:
    page = client.get(PAGE)
    assert page.status_code == 200
    for entry in policy.on_disk().entries.values():
        for said in (entry.title, entry.purpose, entry.need, entry.clock):
            assert str(said).replace("'", "&#39;") in page.text
        assert f'id="{entry.name}"' in page.text
    assert "6 months" in page.text
    assert "It has not been looked at yet." in page.text


def test_the_data_is_the_file_and_what_was_done(
    client: FlaskClient, now: datetime, sessions: Sessions
) -> None:
    border = SESSIONS.before(now)
    sessions(border - timedelta(seconds=1), border + timedelta(days=1))
    run_kinds(Purpose("test"), [SESSIONS], rules=Rules(5))
    told = client.get(DATA).get_json()
    assert [each["name"] for each in told["kinds"]] == list(policy.on_disk().entries)
    ours = told["kinds"][0]
    assert ours["period"] == "P6M"
    assert ours["columns"] == ["app.account_session.last_seen_at"]
    assert (ours["gone_lately"], ours["last_at"]) == (1, now.isoformat())
    assert ours["oldest"] == (border + timedelta(days=1)).date().isoformat()
    page = client.get(PAGE).text
    assert "Gone in the last 30 days: 1." in page
    assert "16 Dec 2026, as of 15 Jun 2027, 09:30 (UTC)." in page


def test_other_pages_lead_there(client: FlaskClient) -> None:
    for path in ("/", "/trust", "/privacy/data"):
        assert f'href="{PAGE}"' in client.get(path).text
    assert f'href="{DATA}"' in client.get(PAGE).text


def test_it_is_read_in_spanish_too(client: FlaskClient) -> None:
    page = client.get(PAGE, headers={"Accept-Language": "es"}).text
    assert "6 meses" in page
    assert "Sign-ins of adults" not in page
    told = client.get(DATA, headers={"Accept-Language": "es"}).get_json()
    assert told["kinds"][0]["title"] == "Sign-ins of adults"


SHORT = (
    'period = "P6M"\nclock = "When the child told it."',
    'period = "P4M"\nclock = "When the child told it."',
)


def test_what_changed_and_what_will_is_said_with_its_dates(
    client: FlaskClient, now: datetime, runtime: Runtime, tmp_path: Path
) -> None:
    forget_policies(runtime)
    page = client.get(PAGE).text
    assert "The first policy here is of" in page
    assert "Changes: from" not in page
    try:
        decide_otherwise(tmp_path, SHORT)
        page = client.get(PAGE).text
        assert "Changes: from 15 Jun 2027" in page
        assert "<del>6 months</del> → <ins>4 months</ins>" in page
        assert "4 months" in page.partition('id="worries"')[2].partition("</article>")[0]
        later = now + timedelta(days=31)
        told_to_schools(now, later)
        page = client.get(PAGE).text
        worries = page.partition('id="worries"')[2].partition("</article>")[0]
        assert "4 months" in worries
        assert "This changes on 16 Jul 2027." in worries
        assert "Changes: from 16 Jul 2027" in page
        told = client.get(DATA).get_json()
        assert [each["kinds"][0]["in_force_from"] for each in told["changes"]] == [
            later.isoformat(),
            now.isoformat(),
        ]
        assert told["changes"][0]["kinds"][0]["before"]["period"] == "P4M"
        with time_machine.travel(later, tick=False):
            page = client.get(PAGE).text
        worries = page.partition('id="worries"')[2].partition("</article>")[0]
        assert "6 months" in worries
        assert "This changes on" not in worries
        # The past stays to be read.
        assert "Changes: from 15 Jun 2027" in page
    finally:
        forget_policies(runtime)


def test_what_is_decided_anew_before_it_began_is_said_to_begin_never(
    client: FlaskClient, now: datetime, runtime: Runtime, tmp_path: Path
) -> None:
    forget_policies(runtime)
    later, anew = now + timedelta(days=31), now + timedelta(days=10)
    try:
        decide_otherwise(tmp_path, SHORT)
        told_to_schools(now, later)
        assert "Never in force" not in client.get(PAGE).text
        with time_machine.travel(anew, tick=False):
            decide_otherwise(tmp_path, SHORT)
            page, told = client.get(PAGE).text, client.get(DATA).get_json()
        assert "16 Jul 2027" not in page
        never = page.partition("Never in force: decided anew before it began")[2].partition("</article>")[0]
        assert "<del>4 months</del> → <ins>6 months</ins>" in never
        kinds = [each["kinds"][0] for each in told["changes"]]
        assert [(each["in_force_from"], each["replaced_at"]) for each in kinds] == [
            (anew.isoformat(), None),
            (None, anew.isoformat()),
            (now.isoformat(), None),
        ]
    finally:
        forget_policies(runtime)
