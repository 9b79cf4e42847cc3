"""What the database alone keeps apart, with the policy forgotten."""

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.privacy.holdings import Subject
from plugins.exports import services
from plugins.exports.models import Export, ExportState
from tests.factories.world import SYSTEM, World


@pytest.fixture
def asked(world: World, files: Path) -> dict[str, str]:
    """One of a class by its teacher, of a school by its leader, of a child by a parent, and one elsewhere."""
    del files
    own, foreign = world.own_class, world.foreign_class
    wanted = {
        "teacher": (Subject.CLASSROOM, own.public_id, False),
        "leader": (Subject.SCHOOL, world.home.public_id, False),
        "parent": (Subject.STUDENT, own.children[0].public_id, True),
        "outsider": (Subject.CLASSROOM, foreign.public_id, False),
    }
    return {
        role: services.ask(principal=world.sign_in(role), subject=subject, public_id=of, for_family=family)
        for role, (subject, of, family) in wanted.items()
    }


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("teacher", {"teacher"}),
        ("leader", {"teacher", "leader"}),
        ("parent", {"parent"}),
        ("outsider", {"outsider"}),
        *((role, set()) for role in ("co_teacher", "helper", "officer", "founder", "foreign_parent")),
    ],
)
def test_who_sees_which(world: World, asked: dict[str, str], role: str, sees: set[str]) -> None:
    with transaction(world.sign_in(role)) as tx:
        found = set(tx.scalars(select(Export.public_id)))
    assert found == {asked[each] for each in sees}


def test_nobody_changes_what_others_asked_for(world: World, asked: dict[str, str]) -> None:
    with transaction(world.sign_in("leader")) as tx:
        changed = tx.execute(
            update(Export)
            .where(Export.public_id != asked["leader"])
            .values(state=ExportState.CANCELLED)
            .returning(Export.id)
            .execution_options(synchronize_session=False)
        ).all()
    assert changed == []
    with transaction(SYSTEM) as tx:
        states = tx.scalars(select(Export.state).where(Export.public_id.in_(asked.values()))).all()
    assert set(states) == {ExportState.QUEUED}


@pytest.mark.parametrize(
    "case", ["in another's name", "as if it were made", "of a class out of reach", "of a school out of reach"]
)
def test_what_is_not_asked_for_so(world: World, files: Path, case: str) -> None:
    del files
    own, foreign = world.own_class, world.foreign_class
    values: dict[str, object] = {
        "asked_by": world.people["teacher"].id,
        "subject": Subject.CLASSROOM,
        "for_family": False,
        "school_id": own.school_id,
        "classroom_id": own.id,
        "state": ExportState.QUEUED,
        "asked_at": clock.now(),
        "done": 0,
        "downloads": 0,
        "gone_on": 0,
    }
    cases: dict[str, dict[str, object]] = {
        "in another's name": {"asked_by": world.people["colleague"].id},
        "as if it were made": {"state": ExportState.READY, "file": "x" * 16},
        "of a class out of reach": {"school_id": foreign.school_id, "classroom_id": foreign.id},
        "of a school out of reach": {
            "subject": Subject.SCHOOL,
            "school_id": foreign.school_id,
            "classroom_id": None,
        },
    }
    with pytest.raises(DBAPIError, match="row-level security"), transaction(world.sign_in("teacher")) as tx:
        tx.execute(insert(Export).values(**{**values, **cases[case]}))


def test_how_many_wait_is_told_of_own_ones_only(world: World, asked: dict[str, str]) -> None:
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Export.id).where(Export.public_id == asked["leader"])).one()
    for role, ahead in (("leader", 1), ("teacher", 0), ("outsider", 0)):
        with transaction(world.sign_in(role)) as tx:
            assert tx.scalar(select(func.plugin_exports.ahead(number))) == ahead
