"""`backoffice erase` and `backoffice privacy replay-ledger`: what they print, and how they end."""

import json
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.privacy.erasure import receipts
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import services
from backoffice.schools.models import Student
from tests.contract.snapshot import Snapshots
from tests.factories.commands import Run
from tests.factories.world import SYSTEM, World
from tests.privacy.holds.conftest import Founders, founders, propose

__all__ = ["founders"]


@pytest.fixture
def here(run: Run, tmp_path: Path) -> Run:
    """Commands whose ledger is this test's."""
    return partial(run, BACKOFFICE_DATA_DIR=str(tmp_path))


def test_a_dry_run_says_what_would_go_and_erases_nothing(here: Run, world: World, backup: Snapshots) -> None:
    room = world.own_class
    answer = here("erase", "classroom", room.public_id, "--dry-run")
    assert (answer.code, answer.err) == (0, "")
    assert "Would go: 2 student, 1 classroom" in answer.out
    assert answer.out.rstrip().endswith("Nothing was erased.")
    told = json.loads(here("erase", "classroom", room.public_id, "--dry-run", "--json").out)
    assert told["subjects"] == {"student": 2, "classroom": 1}
    assert told["rows"]["app.student"] == 2
    assert backup.changes() == []


def test_it_prints_the_receipt(here: Run, world: World, backup: Snapshots) -> None:
    del backup
    one, other = (child.public_id for child in world.own_class.children)
    answer = here("erase", "student", one)
    assert (answer.code, answer.err) == (0, "")
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Erasure).where(Erasure.stage == Stage.VERIFIED)).one()
        assert tx.scalar(select(Student.id).where(Student.public_id == one)) is None
    assert row.asked_as == AskedAs.COMMAND
    assert row.receipt is not None
    for said in (row.public_id, receipts.hash_of(row.receipt), "1 student", "Left    0"):
        assert said in answer.out
    told = json.loads(here("erase", "student", other, "--json").out)
    assert (told["subject"], told["left"]) == ("student", 0)


def test_several_students_have_one_receipt(here: Run, world: World, backup: Snapshots) -> None:
    del backup
    both = [child.public_id for child in world.own_class.children]
    assert "Would go: 2 student" in here("erase", "student", *both, "--dry-run").out
    for wrong in (
        ("classroom", world.own_class.public_id, world.colleague_class.public_id),
        ("student", *both, "x"),
    ):
        refused = here("erase", *wrong)
        assert (refused.code, refused.out) == (2, "")
    answer = here("erase", "student", *both)
    assert (answer.code, answer.err) == (0, "")
    assert "2 student" in answer.out
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(Erasure.subjects).where(Erasure.stage == Stage.VERIFIED)).all() == [2]
        assert tx.scalar(select(Student.id).where(Student.public_id.in_(both))) is None


def test_who_waits_for_a_hold_is_counted_beside_the_receipt(
    here: Run, world: World, backup: Snapshots, founders: Founders
) -> None:
    del backup
    both = [child.public_id for child in world.own_class.children]
    services.confirm_hold(principal=founders[1], hold=propose(founders[0], Subject.STUDENT, both[0]))
    assert "of some: they would wait" in here("erase", "student", *both, "--dry-run").out
    answer = here("erase", "student", *both)
    assert answer.code == 0
    assert "1 student" in answer.out
    assert "A legal hold keeps something of 1 of them." in answer.err


@pytest.mark.parametrize(
    ("subject", "public_id"),
    [("student", "22222222222222aa"), ("account", "x"), ("pupil", "22222222222222aa")],
)
def test_what_is_not_there_is_bad_input(here: Run, world: World, subject: str, public_id: str) -> None:
    del world
    answer = here("erase", subject, public_id)
    assert answer.code == 2
    assert answer.err


def test_a_restored_database_is_put_right_by_the_ledger(here: Run, world: World, backup: Snapshots) -> None:
    child = world.own_class.children[0].public_id
    assert here("erase", "student", child).code == 0
    backup.settle()
    answer = here("privacy", "replay-ledger")
    assert (answer.code, answer.out) == (0, "1 erasures repeated, 1 receipts put back.\n")
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Student.id).where(Student.public_id == child)) is None
    assert json.loads(here("privacy", "replay-ledger", "--json").out) == {"receipts": 0, "erasures": 0}
