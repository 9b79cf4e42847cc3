"""The list of teachers."""

import re

import pytest
from flask import Flask
from sqlalchemy import delete, insert

from backoffice.access.transaction import transaction
from backoffice.schools.models import TeachingRole, TeachingRoleName
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World


def test_each_teachers_classes_are_counted_within_the_led_schools(app: Flask, world: World) -> None:
    colleague, elsewhere = world.people["colleague"], world.people["elsewhere"]
    with transaction(SYSTEM) as tx:
        for room in (world.own_class, world.foreign_class):
            tx.execute(
                insert(TeachingRole).values(
                    school_id=room.school_id,
                    classroom_id=room.id,
                    account_id=colleague.id,
                    role=TeachingRoleName.CO_TEACHER,
                )
            )
        tx.execute(delete(TeachingRole).where(TeachingRole.account_id == elsewhere.id))
    page = signed_in(app, world, "leader").get("/console/teachers/").text
    listed = re.findall(
        r'<th scope="row">(?:<a [^>]+>)?([^<]+)(?:</a>)?</th>'
        r'.*?<td class="is-number" data-label="Classes">(\d+)</td>',
        page,
    )
    counts = dict(listed)
    assert {name: counts[world.people[name].name] for name in ("teacher", "colleague", "elsewhere")} == {
        "teacher": "1",
        "colleague": "2",
        "elsewhere": "0",
    }


@pytest.mark.parametrize(
    ("words", "found"), [("col", {"colleague"}), ("TEACHER", {"teacher"}), ("Nobody", set())]
)
def test_a_teacher_is_found_by_the_beginning_of_a_name(
    app: Flask, world: World, words: str, found: set[str]
) -> None:
    where = "/console/teachers/"
    page = send(signed_in(app, world, "leader"), f"{where}search", {"q": words}, page=where).text
    rows = page.partition("<tbody>")[2]
    assert {role for role, person in world.people.items() if f">{person.name}<" in rows} == found
