"""Teachers in the console, for the leaders of their schools: the list, one of them, the end of a place."""

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_admin import expose
from sqlalchemy import Select
from werkzeug.wrappers import Response

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import TEACHERS_INVITE, TEACHERS_LIST, TEACHERS_REMOVE
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.console.forms import EndPlaceForm
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row, searched
from backoffice.schools import names, queries
from backoffice.staff.services import invitations, places
from backoffice.staff.services.places import Place
from backoffice.web.identity import reading
from backoffice.web.resend import shows_what_was_typed

CRUMB = {"title": "Teachers", "url": "/console/teachers/"}
ROLES = {"leader": "Leader", "teacher": "Teacher", "privacy_officer": "Privacy officer"}
STATES = {
    AccountStatus.NOT_INVITED: Cell("Not invited yet", "badge", tone="warn"),
    AccountStatus.SUSPENDED: Cell("Suspended", "badge", tone="mute"),
    AccountStatus.LOCKED: Cell("Locked", "badge", tone="mute"),
    AccountStatus.DEACTIVATED: Cell("Closed", "badge", tone="mute"),
}


class TeacherGrid(Grid):
    """The staff of the schools that somebody leads."""

    entity = Account
    doors = {
        "index": TEACHERS_LIST,
        "search": TEACHERS_LIST,
        "act": TEACHERS_LIST,
        "details": TEACHERS_LIST,
        "leave": TEACHERS_REMOVE,
    }
    icon = "teachers"
    title = "Teachers"
    category = "School"
    address = "teachers"
    noun = ("person", "people")
    search_placeholder = "Find a name"
    search_from = 12
    sorts_by_name = True
    reads = (Account.id, Account.public_id, Account.name, Account.status)
    columns = (
        Column("name", "Name"),
        Column("role", "Role"),
        Column("school", "School"),
        Column("classes", "Classes", numeric=True),
        Column("state", "Account"),
    )
    actions = (
        BulkAction(
            "invite",
            "Send invitation",
            TEACHERS_INVITE,
            "invite",
            "Those of the {count} who came with a roster and were never asked get an invitation as teachers.",
        ),
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
                f"/console/teachers/{thing.public_id}",
                (
                    Cell(thing.name),
                    Cell(", ".join(sorted({ROLES[m.role] for m in held.get(thing.id, ())}))),
                    Cell(
                        ", ".join(
                            sorted({schools[m.school_id] for m in held.get(thing.id, ()) if m.school_id})
                        )
                    ),
                    Cell(str(taught[thing.id]), "number"),
                    STATES.get(AccountStatus(thing.status), Cell(None)),
                ),
            )
            for thing in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The way to invite somebody."""
        del tx
        return {"new_url": "/console/invitations/new", "new_title": "Invite somebody"}

    def invite(self, chosen: list[str]) -> str:
        """Invite those whom a roster made known."""
        count = invitations.invite_known(principal=self.who, accounts=chosen)
        return f"{self.counted(count)} invited." if count else "Nobody of them was still to be invited."

    @expose("/<account:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """What somebody is at the schools that one leads."""
        tx = reading()
        person = find(tx, Account, public_id, permission=TEACHERS_LIST)
        held = queries.memberships_by_account(tx, [person.id]).get(person.id, ())
        return self.render(
            "console/teacher.html",
            teacher={
                "name": person.name,
                "state": STATES.get(AccountStatus(person.status)),
                "classes_url": f"/console/classrooms/?teacher={public_id}"
                if queries.classes_taught(tx, [person.id])
                else None,
                "places": [
                    {
                        "school": place.school.name,
                        "roles": ", ".join(
                            sorted({ROLES[each.role] for each in held if each.school_id == place.school.id})
                        ),
                        "owns": place.owns,
                        "teaches": place.teaches,
                        "leave_url": f"/console/teachers/{public_id}/leave?school={place.school.public_id}"
                        if self.opens("leave") and person.id != self.who.account_id
                        else None,
                    }
                    for place in places.places_of(tx, person)
                ],
            },
            crumbs=[CRUMB, {"title": person.name}],
        )

    @expose("/<account:public_id>/leave", methods=("GET", "POST"))
    @shows_what_was_typed
    def leave(self, public_id: str) -> str | Response | tuple[str, int]:
        """End somebody's place at a school, after saying what will go."""
        tx = reading()
        person = find(tx, Account, public_id, permission=TEACHERS_REMOVE)
        held = places.places_of(tx, person)
        wanted = request.args.get("school", held[0].school.public_id if held else "")
        place = next((each for each in held if each.school.public_id == wanted), None)
        if place is None:
            raise NotFound
        form = EndPlaceForm()
        form.heir.choices = [
            ("", f"Nobody yet: they stay with {place.school.name}, in your care"),
            *(
                (each.public_id, each.name)
                for each in sorted(
                    places.colleagues_at(tx, place.school, person),
                    key=lambda each: names.sort_key(each.name, None),
                )
            ),
        ]
        if not place.owns:
            del form.heir

        def save() -> str:
            places.end_membership(
                principal=self.who,
                account=public_id,
                school=place.school.public_id,
                heir=form.heir.data or None if "heir" in form else None,
            )
            return "/console/teachers/"

        return self.form_page(
            form,
            save=save,
            said=f"{person.name} has left {place.school.name}.",
            template="console/confirm.html",
            heading=f"End the place of {person.name}",
            sentences=_what_will_go(person, place),
            danger=True,
            submit_title="End it now",
            cancel_url=f"/console/teachers/{public_id}",
            crumbs=[
                CRUMB,
                {"title": person.name, "url": f"/console/teachers/{public_id}"},
                {"title": "End the place"},
            ],
        )


def _what_will_go(person: Account, place: Place) -> list[str]:
    said = [
        f"{person.name} is signed out everywhere at once and sees nothing of {place.school.name} any more.",
    ]
    if place.owns:
        many = "1 class passes" if len(place.owns) == 1 else f"{len(place.owns)} classes pass"
        said.append(f"{many} to whom you choose: {', '.join(place.owns)}.")
    if place.teaches:
        many = "1 other class ends" if place.teaches == 1 else f"{place.teaches} other classes end"
        said.append(f"The work in {many}.")
    said.append("Nobody is deleted: points and awards stay. You can invite them again.")
    return said
