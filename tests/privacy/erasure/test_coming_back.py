"""Whoever stands in the ledger does not come in again, nor with a list, though a backup brought them back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.services import signing_in
from backoffice.accounts.services.signing_in import REFUSED
from backoffice.imports.columns import Row
from backoffice.privacy.erasure.models import ErasureMark
from backoffice.problems import Rejected
from backoffice.schools.importing.compare import ERASED, NOT_HERE, Elsewhere
from backoffice.schools.services.importing import preview_students
from backoffice.settings import Sessions
from backoffice.storage import about
from backoffice.storage.public_id import new_public_id
from backoffice.students import services as students
from backoffice.students.cards import services as cards
from backoffice.students.services import NOT_OPEN
from backoffice.throttles.visitor import Visitor
from tests.contract.snapshot import Snapshots
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World, names_behind

HERE = Visitor("198.51.100.23")


@pytest.fixture(autouse=True)
def _restored(backup: Snapshots) -> Iterator[None]:
    yield
    backup.settle()


def note(kind: str, public_id: str) -> None:
    """A line of the ledger, while the row is there."""
    with transaction(SYSTEM) as tx:
        line = {"kind": kind, "erasure": new_public_id(), "noted_at": clock.now()}
        tx.execute(insert(ErasureMark).values(mark=about.erased(kind, public_id), **line))


def sign_in(email: str) -> None:
    signing_in.sign_in(
        email=email,
        password=PASSWORD,
        sessions=Sessions(),
        cost=COST,
        visitor=HERE,
        device=None,
        throttles=NO_LIMIT,
    )


def test_an_account_does_not_sign_in(world: World) -> None:
    note(about.ACCOUNT, world.people["teacher"].public_id)
    with pytest.raises(Rejected) as raised:
        sign_in(world.people["teacher"].email)
    assert raised.value.fields == {"": REFUSED}
    sign_in(world.people["colleague"].email)


def test_a_child_is_not_shown_and_does_not_come_in(world: World) -> None:
    gone, stays = world.own_class.children[:2]
    note(about.STUDENT, gone.public_id)
    assert [each.public_id for each in names_behind(world.own_class.code)] == [stays.public_id]
    given = {"code": world.own_class.code, "sessions": Sessions(), "visitor": HERE, "throttles": NO_LIMIT}
    with pytest.raises(Rejected) as raised:
        students.sign_in_student(student=gone.public_id, **given)  # type: ignore[arg-type]
    assert raised.value.fields == {"code": NOT_OPEN}
    students.sign_in_student(student=stays.public_id, **given)  # type: ignore[arg-type]


def test_a_card_opens_nothing(world: World) -> None:
    gone, stays = world.own_class.children[:2]
    issued = cards.issue_cards(principal=world.sign_in("teacher"), classroom=world.own_class.public_id)
    secrets = {each.student_id: each.secret for each in issued}
    note(about.STUDENT, gone.public_id)
    given = {"sessions": Sessions(), "visitor": HERE, "throttles": NO_LIMIT}
    with pytest.raises(Rejected) as raised:
        cards.sign_in_by_card(secret=secrets[gone.id], **given)  # type: ignore[arg-type]
    assert raised.value.fields == {"card": cards.NOT_OPEN}
    cards.sign_in_by_card(secret=secrets[stays.id], **given)  # type: ignore[arg-type]


def test_a_list_from_before_is_told_of_whom_it_names(world: World) -> None:
    gone, unknown = new_public_id(), new_public_id()
    note(about.STUDENT, gone)
    rows = [
        Row(line, {"id": each, "whole": "Gone Girl", "classes": world.own_class.name})
        for line, each in enumerate((gone, unknown), start=2)
    ]
    plan = preview_students(
        principal=world.sign_in("teacher"),
        school=world.home.public_id,
        rows=rows,
        elsewhere=Elsewhere.ASK,
    )
    assert [row.sentence for row in plan.rows] == [ERASED, NOT_HERE]
