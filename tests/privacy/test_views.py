"""The public inventory says of the installed tables what they declare, to everybody, and nothing more."""

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backoffice.access.transaction import transaction
from backoffice.fields.models import FieldSubject
from backoffice.host.services import switch_plugin
from backoffice.privacy.inventory import PRIVATE, held_in, mapped, name
from backoffice.runtime import Runtime
from tests.factories.statements import statements
from tests.factories.world import SYSTEM, World, custom_field

PAGE, DATA = "/privacy/data", "/privacy/data.json"
SPANISH = {"Accept-Language": "es"}


def columns_of(data: dict[str, object]) -> dict[str, dict[str, object]]:
    return {
        f"{table['name']}.{column['name']}": {**column, "table": table}
        for group in data["groups"]  # type: ignore[attr-defined]
        for table in group["tables"]
        for column in table["columns"]
    }


@pytest.fixture
def data(client: FlaskClient) -> dict[str, object]:
    found: dict[str, object] = client.get(DATA).get_json()
    return found


def test_it_lists_what_is_held_of_somebody_and_nothing_else(
    runtime: Runtime, client: FlaskClient, data: dict[str, object]
) -> None:
    declared = mapped(runtime.metadatas)
    wanted = {name(each) for each in declared if (held := held_in(each)) and held.kind in PRIVATE}
    assert set(columns_of(data)) == wanted
    assert "plugin_rosters.student_source.source_digest" in wanted
    figures = data["figures"]
    assert figures["columns"] == len(declared)  # type: ignore[index]
    assert figures["shown"] == len(wanted)  # type: ignore[index]
    assert figures["operational"] == len(declared) - len(wanted)  # type: ignore[index]
    assert figures["plain"] == 0  # type: ignore[index]
    page = client.get(PAGE).text
    assert len(re.findall(r'<th scope="row">', page)) == len(wanted)


def test_it_says_what_why_in_which_form_how_long_and_what_erases_it(data: dict[str, object]) -> None:
    found = columns_of(data)
    given = found["app.student.given_name"]
    assert (given["purpose"], given["class"]) == ("What the class calls the child", "personal")
    assert (given["form"], given["kept"]) == ("sealed", "student")
    assert given["table"]["erased_with"] == ["student", "school"]  # type: ignore[index]
    assert found["app.student.pin_hash"]["form"] == "hashed"
    assert found["app.student.username_digest"]["form"] == "keyed digest"
    assert found["app.account_session.token_digest"]["form"] == "digest"
    assert found["app.point_entry.awarded_by"]["emptied_with"] == ["account"]
    worry = found["app.worry.note"]["table"]
    assert worry["by_age"] == ["Erase what has been kept for long enough"]  # type: ignore[index]
    assert [name for name, each in found.items() if each["table"]["by_no_job_yet"]] == []  # type: ignore[index]
    assert found["app.audit_entry.commitment"]["table"]["reason"]  # type: ignore[index]


def test_each_group_begins_with_what_it_is_about(data: dict[str, object]) -> None:
    first = {group["about"]: group["tables"][0]["name"] for group in data["groups"]}  # type: ignore[attr-defined]
    assert first["students"] == "app.student"
    assert first["classes"] == "app.classroom"
    assert first["accounts"] == "app.account"
    assert first["schools"] == "app.district"


def test_the_page_says_it_in_words_and_in_the_readers_language(client: FlaskClient) -> None:
    page = unescape(client.get(PAGE).text)
    for said in ("Points of students", "What the class calls the child", "until the student is erased"):
        assert said in page
    assert "by no job yet" not in page
    spanish = unescape(client.get(PAGE, headers=SPANISH).text)
    for said in ("Puntos de los estudiantes", "Cómo llama la clase al niño o la niña", "el distrito"):
        assert said in spanish
    assert "What the class calls the child" not in spanish
    # Programs read the same whoever asks.
    assert client.get(DATA, headers=SPANISH).get_json() == client.get(DATA).get_json()


def test_it_says_that_schools_have_fields_of_their_own_and_names_none(
    client: FlaskClient, world: World
) -> None:
    with transaction(SYSTEM) as tx:
        custom_field(
            tx, world.home, FieldSubject.STUDENT, name="Kayak club", purpose="Who paddles on Thursdays"
        )
    page = unescape(client.get(PAGE).text)
    assert "A school may add fields of its own" in page
    assert "at most 3,660" in page
    found = client.get(DATA).get_json()
    assert found["fields_of_schools"]["of"] == ["student", "classroom"]
    for told in (page, str(found)):
        assert "Kayak" not in told
        assert "paddles" not in told
    spanish = unescape(client.get(PAGE, headers=SPANISH).text)
    assert "Campos propios de una escuela" in spanish


def test_all_that_it_leads_to_is_on_the_page(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    main = page.partition("<main")[2].partition("</main>")[0]
    anchors = set(re.findall(r'href="#([^"]+)"', main))
    assert anchors
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_it_reads_nothing_from_the_database(app: Flask, runtime: Runtime) -> None:
    with statements(runtime) as asked:
        app.test_client().get(PAGE)
        app.test_client().get(DATA)
    assert [each for each in asked if "app.enter" not in each] == []


def test_what_is_switched_off_is_held_all_the_same(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    del world
    before = client.get(DATA).get_json()
    for enabled in (False, True):
        switch_plugin(
            principal=SYSTEM, installed=runtime.plugins, name="rosters", enabled=enabled, reason=None
        )
        assert client.get(DATA).get_json() == before
