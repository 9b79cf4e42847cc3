"""Teachers in the console, for the leaders of their schools: the list, one of them, the end of a place."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_admin import expose
from sqlalchemy import Select
from werkzeug.wrappers import Response

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import (
    TEACHERS_EXPORT,
    TEACHERS_INVITE,
    TEACHERS_LIST,
    TEACHERS_REMOVE,
    TEACHERS_RESET,
    TEACHERS_SUSPEND,
    Permission,
)
from backoffice.access.transaction import Transaction
from backoffice.accounts.care.models import FactorReset, Suspension
from backoffice.accounts.care.services import factor_resets, standing
from backoffice.accounts.models import Account, AccountStatus
from backoffice.console.accounts import RESET_ASKED, RESET_SENTENCES, ReasonForm, asking, confirmed
from backoffice.console.forms import EndPlaceForm
from backoffice.console.grid import BulkAction, Cell, Column, Grid, Row, searched_words
from backoffice.console.grids.columns import BY_NAME
from backoffice.console.listed import listed
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools import names, queries
from backoffice.schools.models import Membership, Role, School
from backoffice.staff.services import invitations, places
from backoffice.staff.services.places import Place
from backoffice.web.identity import reading, settings
from backoffice.web.resend import shows_what_was_typed

CRUMB = {"title": lazy("Teachers"), "url": "/console/teachers/"}
ROLES = {"leader": lazy("Leader"), "teacher": lazy("Teacher"), "privacy_officer": lazy("Privacy officer")}
STATES = {
    AccountStatus.NOT_INVITED: Cell(lazy("Not invited yet"), "badge", tone="warn"),
    AccountStatus.SUSPENDED: Cell(lazy("Suspended"), "badge", tone="mute"),
    AccountStatus.LOCKED: Cell(lazy("Locked"), "badge", tone="mute"),
    AccountStatus.DORMANT: Cell(lazy("Locked, not used for long"), "badge", tone="mute"),
    AccountStatus.DEACTIVATED: Cell(lazy("Closed"), "badge", tone="mute"),
}


class TeacherGrid(Grid):
    """The staff of the schools that somebody leads."""

    entity = Account
    doors = {
        "index": TEACHERS_LIST,
        "search": TEACHERS_LIST,
        "act": TEACHERS_LIST,
        "export": TEACHERS_EXPORT,
        "export_found": TEACHERS_EXPORT,
        "details": TEACHERS_LIST,
        "leave": TEACHERS_REMOVE,
        "suspend": TEACHERS_SUSPEND,
        "reinstate": TEACHERS_SUSPEND,
        "reset_factor": TEACHERS_RESET,
    }
    fresh = Grid.fresh | {"leave", "suspend", "reinstate", "reset_factor"}
    icon = "teachers"
    title = lazy("Teachers")
    category = lazy("School")
    address = "teachers"
    noun = (lazy("person"), lazy("people"))
    search_placeholder = lazy("Find a name")
    search_from = 12
    reads = (Account.id, Account.public_id, Account.name, Account.status)
    columns = (
        Column("name", lazy("Name"), sort=BY_NAME),
        Column("role", lazy("Role"), optional=True),
        Column("school", lazy("School"), optional=True),
        Column("classes", lazy("Classes"), numeric=True, optional=True),
        Column("state", lazy("Account"), optional=True),
    )
    actions = (
        BulkAction(
            "invite",
            lazy("Send invitation"),
            TEACHERS_INVITE,
            "invite",
            lazy(
                "Those of the {count} who came with a roster and were never asked get an invitation as"
                " teachers."
            ),
            fresh=True,
        ),
    )

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """By the words of a name."""
        if words := " ".join(searched_words()):
            statement = statement.where(queries.is_named(tx, statement, words, Account.name))
        return statement

    def schools_of(self, tx: Transaction, rows: Select[Any]) -> Select[Any]:
        """Those that somebody leads and where these people are."""
        people = rows.with_only_columns(Account.id).order_by(None)
        return queries.schools_where_they_are(tx, people)

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
                    Cell(", ".join(map(str, sorted({ROLES[m.role] for m in held.get(thing.id, ())})))),
                    Cell(
                        ", ".join(
                            sorted({schools[m.school_id] for m in held.get(thing.id, ()) if m.school_id})
                        )
                    ),
                    Cell(str(taught[thing.id]), "number"),
                    STATES[AccountStatus.SUSPENDED]
                    if any(each.suspended_at for each in held.get(thing.id, ()))
                    else STATES.get(AccountStatus(thing.status), Cell(None)),
                ),
            )
            for thing in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The way to invite somebody."""
        del tx
        return {"new_url": "/console/invitations/new", "new_title": gettext("Invite somebody")}

    def invite(self, chosen: list[str]) -> str:
        """Invite those whom a roster made known."""
        count = invitations.invite_known(principal=self.who, accounts=chosen)
        return (
            gettext("%(rows)s invited.", rows=self.counted(count))
            if count
            else gettext("All of them were invited before.")
        )

    @expose("/<account:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """What somebody is at the schools that one leads."""
        tx = reading()
        person = find(tx, Account, public_id, permission=TEACHERS_LIST)
        held = queries.memberships_by_account(tx, [person.id]).get(person.id, ())
        suspensions = standing.suspensions_of(tx, person.id)
        resets = factor_resets.waiting(tx, person.id)
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
                            map(
                                str,
                                sorted(
                                    {ROLES[each.role] for each in held if each.school_id == place.school.id}
                                ),
                            )
                        ),
                        "owns": place.owns,
                        "teaches": place.teaches,
                        "leave_url": f"/console/teachers/{public_id}/leave?school={place.school.public_id}"
                        if self.opens("leave") and person.id != self.who.account_id
                        else None,
                        "care": self._care_of(person, place.school, held, suspensions, resets),
                    }
                    for place in places.places_of(tx, person)
                ],
            },
            crumbs=[CRUMB, {"title": person.name}],
        )

    def _care_of(
        self,
        person: Account,
        school: School,
        held: Sequence[Membership],
        suspensions: Mapping[int, Suspension],
        reset: FactorReset | None,
    ) -> dict[str, Any] | None:
        """What a leader can do about somebody who teaches at a school; nothing about other leaders."""
        roles = {each.role for each in held if each.school_id == school.id}
        if person.id == self.who.account_id or not roles or Role.LEADER in roles:
            return None
        here = f"/console/teachers/{person.public_id}"
        suspension = suspensions.get(school.id)
        return {
            "reason": suspension.reason if suspension else None,
            "suspend_url": f"{here}/suspend?school={school.public_id}"
            if not suspension and person.status != AccountStatus.NOT_INVITED
            else None,
            "reinstate_url": f"{here}/reinstate?school={school.public_id}" if suspension else None,
            "reset_url": f"{here}/reset-factor?school={school.public_id}"
            if not suspension and not reset and Role.TEACHER in roles
            else None,
            "reset_waits": reset is not None,
        }

    def _place_in_care(self, public_id: str, permission: Permission) -> tuple[Account, School]:
        """Somebody and the school that the address names, or the only one."""
        tx = reading()
        person = find(tx, Account, public_id, permission=permission)
        held = [place.school for place in places.places_of(tx, person)]
        wanted = request.args.get("school", held[0].public_id if held else "")
        school = next((each for each in held if each.public_id == wanted), None)
        if school is None:
            raise NotFound
        return person, school

    @expose("/<account:public_id>/suspend", methods=("GET", "POST"))
    def suspend(self, public_id: str) -> str | Response | tuple[str, int]:
        """Suspend somebody's place at a school, with a reason."""
        person, school = self._place_in_care(public_id, TEACHERS_SUSPEND)
        form = ReasonForm()

        def save() -> str:
            standing.suspend_place(
                principal=self.who,
                account=public_id,
                school=school.public_id,
                reason=form.reason.data or "",
            )
            return f"/console/teachers/{public_id}"

        return self.form_page(
            form,
            save=save,
            said=gettext("Suspended there, and out at once."),
            template="console/confirm.html",
            **_asking(
                person,
                gettext("Suspend %(person)s", person=person.name),
                gettext(
                    "%(person)s is signed out everywhere at once and sees nothing of %(school)s until a"
                    " leader"
                    " ends it. If this school is all that the account is for, they cannot sign in at all.",
                    person=person.name,
                    school=school.name,
                ),
                gettext("Their classes stay as they are: children can come in, and you see everything."),
                gettext("They are told by mail that they are suspended, and not why."),
                danger=True,
            ),
        )

    @expose("/<account:public_id>/reinstate", methods=("GET", "POST"))
    def reinstate(self, public_id: str) -> str | Response:
        """End the suspension of somebody's place."""
        person, school = self._place_in_care(public_id, TEACHERS_SUSPEND)
        return confirmed(
            self,
            lambda: standing.reinstate_place(principal=self.who, account=public_id, school=school.public_id),
            said=gettext("The suspension there has ended."),
            **_asking(
                person,
                gettext("Reinstate %(person)s", person=person.name),
                gettext(
                    "%(person)s has their place at %(school)s again, as it was, and is told by mail.",
                    person=person.name,
                    school=school.name,
                ),
            ),
        )

    @expose("/<account:public_id>/reset-factor", methods=("GET", "POST"))
    def reset_factor(self, public_id: str) -> str | Response:
        """Ask that somebody's lost second factor be taken away."""
        person, school = self._place_in_care(public_id, TEACHERS_RESET)
        return confirmed(
            self,
            lambda: factor_resets.ask(
                principal=self.who,
                account=public_id,
                school=school.public_id,
                throttles=settings().throttles,
            ),
            said=RESET_ASKED,
            **_asking(person, gettext("Reset the lost second factor"), *RESET_SENTENCES, danger=True),
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
        form.heir.fill(
            tx,
            gettext("Nobody yet: they stay with %(school)s, in your care", school=place.school.name),
            within=place.school.id,
            without={person.public_id, str(self.who.account_public_id)},
        )
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
            said=gettext("The place is ended."),
            template="console/confirm.html",
            heading=gettext("End the place of %(person)s", person=person.name),
            sentences=_what_will_go(person, place),
            danger=True,
            submit_title=gettext("End it now"),
            cancel_url=f"/console/teachers/{public_id}",
            crumbs=[
                CRUMB,
                {"title": person.name, "url": f"/console/teachers/{public_id}"},
                {"title": gettext("End the place")},
            ],
        )


def _asking(person: Account, heading: str, *sentences: str, danger: bool = False) -> dict[str, Any]:
    here = f"/console/teachers/{person.public_id}"
    return asking(here, [CRUMB, {"title": person.name, "url": here}], heading, *sentences, danger=danger)


def _what_will_go(person: Account, place: Place) -> list[str]:
    said = [
        gettext(
            "%(person)s is signed out everywhere at once and sees nothing of %(school)s any more.",
            person=person.name,
            school=place.school.name,
        ),
    ]
    if place.owns:
        said.append(
            ngettext(
                "1 class passes to whom you choose: %(classes)s.",
                "%(count)s classes pass to whom you choose: %(classes)s.",
                len(place.owns),
                count=len(place.owns),
                classes=listed(place.owns),
            )
        )
    if place.teaches:
        said.append(
            ngettext(
                "The work in 1 other class ends.",
                "The work in %(count)s other classes end.",
                place.teaches,
                count=place.teaches,
            )
        )
    said.append(gettext("Nobody is deleted: points and awards stay. You can invite them again."))
    return said
