"""The last changes of a record below its form, and the page that puts one back."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from backoffice.access import policy
from backoffice.access.permissions import CLASSROOMS_EDIT
from backoffice.access.policy import RoleName
from backoffice.access.transaction import transaction
from backoffice.changes.keeping import ALREADY, OVERTAKEN
from backoffice.changes.models import CHANGES, ClassroomChange, PluginChange, StudentChange
from backoffice.changes.queries import MOST
from backoffice.changes.services import GONE
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from tests.factories.statements import statements
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, World


@pytest.fixture(autouse=True)
def forgotten(world: World) -> None:
    """Nothing of the test before."""
    with transaction(SYSTEM) as tx:
        for model in CHANGES:
            tx.execute(delete(model))


@pytest.fixture
def teacher(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "teacher")


@pytest.fixture
def form(world: World) -> str:
    """The form of a child's name."""
    child = world.own_class.children[0]
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Student)
            .where(Student.id == child.id)
            .values(given_name=child.given, family_name=child.family)
        )
    return f"/console/students/{child.public_id}/edit"


def correct(browser: FlaskClient, form: str, given: str, family: str = "") -> None:
    assert send(browser, form, {"given_name": given, "family_name": family}).status_code == 303


def read(page: str) -> str:
    """What stands in the part of the last changes, as words."""
    part = page.partition('<section class="card form-card last-changes')[2].partition("</section>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split())


def ways_back(page: str) -> list[str]:
    return re.findall(r'href="(/console/changes/[^"]+)"', page)


def seen(page: str) -> dict[str, str]:
    """The hidden fields of the question."""
    return dict(re.findall(r'name="(confirm|seen|csrf_token)"[^>]*value="([^"]*)"', page))


def test_a_form_shows_what_was_changed_and_each_can_be_put_back(teacher: FlaskClient, form: str) -> None:
    assert "None of the fields has been changed in the last 30 days." in read(teacher.get(form).text)
    correct(teacher, form, "Wilma", "Quarter")
    page = teacher.get(form).text
    said = read(page)
    assert "Name from Wilhelmina Quartermaine → to Wilma Quarter" in said
    assert said.endswith("Tilda Teacher Put back Name to Wilhelmina Quartermaine")
    (url,) = ways_back(page)
    question = teacher.get(url).text
    assert "Now: Wilma Quarter" in question
    assert "Put back: Wilhelmina Quartermaine" in question
    answer = teacher.post(url, data=seen(question))
    assert (answer.status_code, answer.location) == (303, form)
    page = teacher.get(form).text
    assert 'value="Wilhelmina"' in page
    # The one that put it back can be undone; the older one is as things are.
    assert len(ways_back(page)) == 1
    # A second click, and the page opened again.
    again = teacher.post(url, data=seen(question))
    assert again.status_code == 422
    assert ALREADY in html.unescape(again.text)
    answer = teacher.get(url)
    assert (answer.status_code, answer.location) == (303, form)


def test_a_page_that_was_open_meanwhile_says_so_and_shows_what_it_is_now(
    teacher: FlaskClient, app: Flask, world: World, form: str
) -> None:
    correct(teacher, form, "Wilma", "Quarter")
    (url,) = ways_back(teacher.get(form).text)
    question = teacher.get(url).text
    correct(signed_in(app, world, "leader"), form, "Wil", "Quarter")
    refused = teacher.post(url, data=seen(question))
    assert refused.status_code == 422
    assert OVERTAKEN in html.unescape(refused.text)
    assert "Now: Wil Quarter" in refused.text
    assert 'value="Wil"' in teacher.get(form).text
    # Knowing that, it can be put back.
    assert teacher.post(url, data=seen(refused.text)).status_code == 303
    assert 'value="Wilhelmina"' in teacher.get(form).text


def test_nothing_is_put_back_without_the_form_s_token_or_by_others(
    teacher: FlaskClient, app: Flask, world: World, form: str
) -> None:
    correct(teacher, form, "Wilma", "Quarter")
    (url,) = ways_back(teacher.get(form).text)
    sent = seen(teacher.get(url).text)
    assert teacher.post(url, data={**sent, "csrf_token": "-"}).status_code == 400
    for role in ("outsider", "colleague", "helper", "founder"):
        other = signed_in(app, world, role)
        token = form_token(other.get("/console/find/").text)
        assert other.get(url).status_code == 404
        assert other.post(url, data={**sent, "csrf_token": token}).status_code == 404
        # Nor as a change of another kind.
        assert other.get(url.replace("/student/", "/job/")).status_code == 404
    with transaction(SYSTEM) as tx:
        kept = tx.scalars(select(StudentChange)).all()
    assert [each.difference["after"][0] for each in kept] == ["Wilma"]


def test_what_was_typed_is_text_and_a_class_has_its_changes_on_both_forms(
    teacher: FlaskClient, world: World
) -> None:
    own = f"/console/classrooms/{world.own_class.public_id}"
    for name in ("<b>Bold</b> Badgers", world.own_class.name):
        assert send(teacher, f"{own}/edit", {"name": name, "shared_devices": "y"}).status_code == 303
    assert send(teacher, f"{own}/manage", {"icon": "owl", "colour": "plum"}).status_code == 303
    for form in ("edit", "manage"):
        page = teacher.get(f"{own}/{form}").text
        assert "<b>Bold" not in page
        said = read(page)
        assert f"Name of the class from <b>Bold</b> Badgers → to {world.own_class.name}" in said
        assert "Picture and colour from nothing → to Purple owl" in said
    # To no mark there is no way; whoever knows one is told.
    with transaction(SYSTEM) as tx:
        (mark,) = tx.scalars(select(ClassroomChange.public_id).where(ClassroomChange.field == "mark"))
    url = f"/console/changes/classroom/{mark}"
    assert url not in ways_back(teacher.get(f"{own}/manage").text)
    assert "no mark then" in _refused(teacher, url)


def test_what_is_changed_on_the_pages_of_a_class_stands_there_and_goes_back_there(
    teacher: FlaskClient, world: World
) -> None:
    own = f"/console/classrooms/{world.own_class.public_id}"
    sent: dict[str, tuple[str, list[dict[str, str]], str]] = {
        "entry": (
            "entry/hours",
            [{"begin": "08:00", "end": end} for end in ("15:00", "12:30")],
            "Open on school days from 08:00 to 15:00 → to 08:00 to 12:30",
        ),
        "names": (
            "names/shown",
            [{"how": "avatars"}],
            "Behind the code from name and initial → to picture only",
        ),
        "cards": ("cards/require", [{"required": "yes"}], "PINs are asked for from no → to yes"),
    }
    for page, (form, times, said) in sent.items():
        for fields in times:
            assert send(teacher, f"{own}/{form}", fields, page=f"{own}/{page}").status_code == 303
        shown = teacher.get(f"{own}/{page}").text
        assert said in read(shown)
        # Nor is there one to no hours, which it had before these.
        assert page != "entry" or len(ways_back(shown)) == 1
        url = ways_back(shown)[0]
        assert teacher.post(url, data=seen(teacher.get(url).text)).location == f"{own}/{page}"


def test_the_language_of_a_school_stands_below_its_days(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    address = f"/console/school-days/?school={world.home.public_id}"
    fields = {"days": ["mon"], "time_zone": world.home.time_zone, "language": "es"}
    assert send(leader, address, fields).status_code == 303
    page = leader.get(address).text
    assert "Language from English → to Español" in read(page)
    url = ways_back(page)[0]
    assert leader.post(url, data=seen(leader.get(url).text)).location == address
    assert "Language from Español → to English" in read(leader.get(address).text)


def test_who_may_not_change_a_class_is_not_told_that_nothing_was_changed(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever clears PINs, or corrects names, without changing the class."""
    owner = policy.granted(RoleName.OWNER) - {CLASSROOMS_EDIT}
    monkeypatch.setitem(policy._granted, RoleName.OWNER, owner)
    client = signed_in(app, world, "teacher")
    for page in ("names", "cards"):
        answer = client.get(f"/console/classrooms/{world.own_class.public_id}/{page}")
        assert (answer.status_code, "Last changes" in answer.text) == (200, False)


def _refused(browser: FlaskClient, url: str) -> str:
    return browser.post(url, data=seen(browser.get(url).text)).text


def test_a_founder_puts_back_how_a_plugin_is_set_and_a_setting_that_is_no_more_is_left(
    app: Flask, world: World, runtime: Runtime
) -> None:
    founder = signed_in(app, world, "founder")
    plugin = next(each for each in runtime.plugins if each.settings is not None)
    assert plugin.settings is not None
    settings = plugin.settings().model_dump(mode="json")
    field = next(name for name, info in plugin.settings.model_fields.items() if info.annotation is int)
    address = f"/console/plugins/{plugin.name}/settings"
    wanted = {name: "y" if value is True else value for name, value in settings.items() if value is not False}
    assert send(founder, address, {**wanted, field: settings[field] - 1}).status_code == 303
    with statements(runtime) as noted:
        page = founder.get(address).text
    assert "Robin Founder" in read(page)
    # However many changes: a second one below.
    asked = len(noted)
    (url,) = ways_back(page)
    assert founder.post(url, data=seen(founder.get(url).text)).location == address
    with statements(runtime) as noted:
        assert len(ways_back(founder.get(address).text)) == 1
    assert len(noted) == asked
    assert f'value="{settings[field]}"' in founder.get(address).text
    with transaction(SYSTEM) as tx:
        tx.execute(update(PluginChange).values(field="long_gone"))
    page = founder.get(address).text
    assert "A former setting" in read(page)
    assert ways_back(page) == []
    assert founder.get(url).status_code == 303
    assert GONE in html.unescape(founder.get(address).text)


def test_a_form_asks_as_much_with_twenty_changes_as_with_one(
    teacher: FlaskClient, form: str, runtime: Runtime
) -> None:
    asked = []
    for many in (1, 21):
        for number in range(many):
            correct(teacher, form, f"Wilma{chr(ord('a') + number)}")
        with statements(runtime) as noted:
            teacher.get(form)
        asked.append(len(noted))
    assert len(ways_back(teacher.get(form).text)) == MOST
    assert asked[0] == asked[1]
