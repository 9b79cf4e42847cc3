"""What somebody typed is text wherever it is shown: every name in the database is hostile HTML here."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Update, update

from backoffice.families.requests.models import GuardianRequest
from backoffice.fields.models import CustomField
from backoffice.runtime import Runtime
from backoffice.storage.base import Base
from backoffice.storage.roles import DatabaseRole
from backoffice.storage.sealed import Sealed
from tests.contract.actors import KINDS, NAMED
from tests.contract.hostile import ATTRIBUTE, TAG, unescaped
from tests.contract.matrix import Matrix, Tally
from tests.contract.pages import body_of, links
from tests.contract.routes import FORMS, form_keys

# Sealed, and typed by nobody: the program made it, or a browser sent it.
MADE = {"code", "address", "device", "keyring_mark", "pending", "secret"}
# Those who see different pages.
ROLES = ("founder", "leader", "officer", "teacher", "mixed", "parent", "student", "nobody")
STARTS = ("/", "/console/", "/family", "/student", "/welcome")
# Text of somebody's that the pages show today, at the least.
SHOWN = {
    "account.name",
    "action.label",
    "classroom.name",
    "enrollment.alias",
    "point_entry.comment",
    "school.name",
    "student.family_name",
    "student.given_name",
}


def hostile(name: str) -> str:
    """Markup that ends whatever it may stand in, and says where it comes from."""
    return f"\"'></title></textarea></script>--><{TAG}> {ATTRIBUTE}='1' {{{{7*7}}}} {name}"


@pytest.fixture(scope="module")
def planted(matrix: Matrix, runtime: Runtime) -> dict[str, str]:
    """Every column that people type, filled with markup, and where each text comes from."""
    found = {}
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        for mapper in Base.registry.mappers:
            table: Any = mapper.local_table
            if table.schema != "app":
                continue
            for column in table.columns:
                if type(column.type) is Sealed and column.name not in MADE:
                    name = f"{table.name}.{column.name}"
                    found[name] = hostile(name)
                    connection.execute(filled(update(table), name).values({column.name: found[name]}))
    matrix.snapshots.keep()
    return found


def filled(rows: Update, column: str) -> Update:
    """The rows that are given a text in this column. Of what parents ask every second is answered by it."""
    if column.startswith("custom_field."):
        # Of one that is erased nothing is left to be read. Why one is needed is said when it is confirmed.
        needed = {"confirmed_at": CustomField.created_at} if column == "custom_field.need" else {}
        return rows.where(CustomField.erased_at.is_(None)).values(needed)
    if column != "guardian_request.answer":
        return rows
    return rows.where(GuardianRequest.id % 2 == 0).values(answered_at=GuardianRequest.asked_at)


def pages_of(matrix: Matrix, role: str) -> Iterator[tuple[str, Any]]:
    """Every page that somebody comes to by following links."""
    browser = matrix.stage.browser(matrix.app, matrix.actor(role))
    seen: set[str] = set()
    todo = list(STARTS)
    if role == "nobody":
        todo += [f"/join/{room.code}" for room in matrix.stage.of("classroom")]
    while todo:
        address = todo.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = browser.get(address, follow_redirects=True)
        yield address, answer
        if answer.mimetype == "text/html":
            todo += [each for each in links(answer.text) if each.startswith("/")]


def test_names_are_text_on_every_page(
    matrix: Matrix, planted: dict[str, str], record_property: Callable[[str, object], None]
) -> None:
    tally, count = Tally(), 0
    shown: set[str] = set()
    for role in ROLES:
        for address, answer in pages_of(matrix, role):
            count += 1
            if answer.status_code >= 500:
                tally.hole(f"{role} {address}: answered {answer.status}")
            if found := unescaped(answer):
                tally.hole(f"{role} {address}: {found}")
            shown |= {name for name in planted if f"7*7}}}} {name}" in body_of(answer)}
    matrix.settle()
    record_property("pages", count)
    tally.verdict()
    assert shown >= SHOWN, SHOWN - shown


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ["leader", "teacher", "founder", "nobody"])
def test_what_a_form_is_sent_is_text_in_its_answer(
    matrix: Matrix, planted: dict[str, str], role: str
) -> None:
    """In the page that comes next as well, where a message says what was done."""
    del planted
    tally, actor, typed = Tally(), matrix.actor(role), hostile("typed")[:60]
    echoed = 0
    for route in matrix.routes:
        kind = next(iter(route.kinds.values()), None)
        things = matrix.stage.own(actor, kind) if kind in {*KINDS, *NAMED} else []
        if route.method != "POST" or (route.kinds and not things):
            continue
        for key, _permission in form_keys(matrix.app, route):
            thing = things[0] if things else None
            filled = FORMS[key](matrix.stage, actor, thing)
            address = route.address(matrix.app, **{name: things[0].public_id for name in route.kinds})  # noqa: C420
            for name in (*filled.fields, None):
                changed = {
                    each: typed if each == name or name is None else value() if callable(value) else value
                    for each, value in filled.fields.items()
                    if not (each == "confirm" and name is None)
                }
                answer = matrix.stage.browser(matrix.app, actor).post(
                    address,
                    data={"csrf_token": actor.token, **changed},
                    query_string=filled.query,
                    follow_redirects=True,
                )
                found = unescaped(answer)
                if found or answer.status_code >= 500:
                    tally.hole(f"{role} {route} {name}: {answer.status}: {found}")
                echoed += b"&lt;zq9&gt;" in answer.data
                matrix.settle()
    tally.verdict()
    assert echoed or role == "founder"
