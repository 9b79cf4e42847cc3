"""Somebody who signed up and teaches alone, in a school of their own."""

from itertools import count

from sqlalchemy import select

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.places import Place
from backoffice.accounts.services import sign_up, signing_in
from backoffice.schools.models import (
    Classroom,
    ClassroomCode,
    Membership,
    School,
)
from backoffice.schools.services.classrooms import create_classroom
from backoffice.settings import Sessions
from backoffice.throttles.visitor import Visitor
from tests.accounts.post import link_for
from tests.factories.world import (
    COST,
    NO_LIMIT,
    PASSWORD,
    SYSTEM,
    Class,
    add_child,
)

NUMBERS = count()


def principal_of(email: str, password: str = PASSWORD) -> Principal:
    begun = signing_in.sign_in(
        email=email,
        password=password,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor("198.51.100.62"),
        device=None,
        throttles=NO_LIMIT,
    )
    with transaction(signing_in.credential(begun.token, None)) as tx:
        return tx.principal


def alone() -> Principal:
    """A teacher who signed up."""
    email, password = f"alone-{next(NUMBERS)}@people.example", "walrus umbrella saxophone"
    sign_up.ask_to_sign_up(
        name="Al Alone",
        email=email,
        place=Place("NZ", None, "Pacific/Auckland"),
        visitor=Visitor(),
        throttles=NO_LIMIT,
    )
    begun = sign_up.sign_up(
        token=link_for(email, "sign-up"),
        name="Al Alone",
        password=password,
        cost=COST,
        sessions=Sessions(),
        visitor=Visitor(),
        device=None,
    )
    with transaction(signing_in.credential(begun.token, None)) as tx:
        return tx.principal


def room_of(who: Principal, name: str = "Aardvarks") -> Class:
    """A class of somebody's own school, with two children."""
    with transaction(SYSTEM) as tx:
        school = tx.scalars(select(Membership.school_id).where(Membership.account_id == who.account_id)).one()
        assert school is not None
    with transaction(who.credential) as tx:
        public = tx.scalars(select(School.public_id).where(School.id == school)).one()
    made = create_classroom(principal=who, school=public, name=name)
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(Classroom).where(Classroom.public_id == made)).one()
        code = tx.scalars(select(ClassroomCode.code).where(ClassroomCode.classroom_id == row.id)).one()
        room = Class(row.id, made, school, name, code)
        room.children = [add_child(tx, room, given, f"Of {name}") for given in ("Xenia", "Yves")]
    return room
