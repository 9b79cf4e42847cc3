"""Teachers in the console, for the leaders of their schools."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select

from backoffice.access.permissions import TEACHERS_LIST
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.console.grid import Cell, Column, Grid, Row, searched
from backoffice.schools import names, queries

ROLES = {"leader": "Leader", "teacher": "Teacher", "privacy_officer": "Privacy officer"}


class TeacherGrid(Grid):
    """The staff of the schools that somebody leads."""

    entity = Account
    doors = {"index": TEACHERS_LIST, "search": TEACHERS_LIST}
    icon = "teachers"
    title = "Teachers"
    category = "School"
    address = "teachers"
    noun = ("person", "people")
    search_placeholder = "Find a name"
    search_from = 12
    sorts_by_name = True
    reads = (Account.id, Account.public_id, Account.name)
    columns = (
        Column("name", "Name"),
        Column("role", "Role"),
        Column("school", "School"),
        Column("classes", "Classes", numeric=True),
    )

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """By the words of a name."""
        if words := searched():
            statement = statement.where(queries.is_named(tx, statement, words, of=Account))
        return statement

    def name_of(self, thing: Account) -> Any:
        """People sort by the name they go by."""
        return names.sort_key(thing.name, None)

    def rows(self, tx: Transaction, things: Sequence[Account]) -> list[Row]:
        """Name, role, school, number of classes."""
        ids = [thing.id for thing in things]
        held = queries.memberships_by_account(tx, ids)
        schools = queries.school_names(
            tx, {each.school_id for several in held.values() for each in several if each.school_id}
        )
        taught = queries.classes_taught(tx, ids)
        return [
            Row(
                thing.public_id,
                # A class says who teaches it: whoever teaches none has nowhere to lead to.
                f"/console/classrooms/?teacher={thing.public_id}" if taught[thing.id] else None,
                (
                    Cell(thing.name),
                    Cell(", ".join(sorted({ROLES[m.role] for m in held.get(thing.id, ())}))),
                    Cell(
                        ", ".join(
                            sorted({schools[m.school_id] for m in held.get(thing.id, ()) if m.school_id})
                        )
                    ),
                    Cell(str(taught[thing.id]), "number"),
                ),
            )
            for thing in things
        ]
