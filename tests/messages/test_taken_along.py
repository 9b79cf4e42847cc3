"""Messages go along with the account that they are for, and with no school; and go when it is erased."""

from sqlalchemy import delete, select

from backoffice.access.transaction import transaction
from backoffice.messages.models import Message
from backoffice.privacy.holdings import Subject
from plugins.exports.content import Scope
from tests.factories.world import SYSTEM, World, message
from tests.plugins.exports.content.conftest import opened


def test_they_are_in_the_export_of_the_account_and_in_no_other(world: World) -> None:
    teacher = world.people["teacher"]
    with transaction(SYSTEM) as tx:
        number, public_id = message(tx, teacher.id, kind="core.child-told", school_id=world.home.id)
    del number
    own = opened(Scope(Subject.ACCOUNT, teacher.id, teacher.public_id), world.sign_in("teacher"))
    assert public_id in {each["public_id"] for each in own.rows("messages")}
    leader = world.people["leader"]
    others = opened(Scope(Subject.ACCOUNT, leader.id, leader.public_id), world.sign_in("leader"))
    assert public_id not in others.everything
    for who in (SYSTEM, world.sign_in("leader")):
        school = opened(Scope(Subject.SCHOOL, world.home.id, world.home.public_id), who)
        assert public_id not in school.everything
        assert any(what == "messages" and "own accounts" in why for what, why in school.manifest.left_out)


def test_they_go_with_the_school_that_they_are_about(world: World) -> None:
    with transaction(SYSTEM) as tx:
        _number, public_id = message(tx, world.people["outsider"].id, school_id=world.outside.id)
        tx.execute(delete(type(world.outside)).where(type(world.outside).id == world.outside.id))
        left = tx.scalar(select(Message.id).where(Message.public_id == public_id))
        tx.rollback()
    assert left is None
