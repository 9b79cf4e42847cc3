"""The cards and PINs of one class: who has which, clearing, unlocking, requiring, printing, voiding."""

from typing import Any

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.lookup import find
from backoffice.access.permissions import CARDS_ISSUE, PINS_CLEAR
from backoffice.access.transaction import Transaction
from backoffice.console.class_page import ClassPage
from backoffice.console.command import Command
from backoffice.console.locked_pins import locked_pins
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.printing.document import Paper, paper_of, unprintable
from backoffice.schools import queries
from backoffice.schools.models import Classroom, School
from backoffice.students.cards import services as cards
from backoffice.students.cards.sheet import Card, sheets
from backoffice.students.pins import overrides
from backoffice.students.pins import queries as pin_queries
from backoffice.students.pins.models import OverrideKind
from backoffice.students.pins.queries import Pupil
from backoffice.web.identity import done_reading, reading, settings

PAPERS = {Paper.A4: "A4", Paper.LETTER: lazy("Letter")}
SAID = {
    OverrideKind.CLEARED: (lazy("The PIN of {child} was cleared"), lazy("All PINs were cleared")),
    OverrideKind.UNLOCKED: (lazy("{child} was unlocked"), lazy("The class was unlocked")),
    OverrideKind.REQUIRED: ("", lazy("Each student is asked for a PIN")),
    OverrideKind.NOT_REQUIRED: ("", lazy("A PIN is up to each student")),
}


class ClassCards(ClassPage):
    """Cards and PINs of a class. Who has a PIN is shown, which it is nobody knows."""

    title = lazy("Cards and PINs")
    tail = "cards"
    commands = (
        Command(lazy("Print cards of {name}"), "issue", "cards", page="overview"),
        Command(lazy("Clear a PIN in {name}"), "clear", "cards#students-title", page="overview"),
        Command(lazy("Ask each student of {name} for a PIN"), "require", "cards#pins-title", page="overview"),
    )
    page = "overview"
    doors = {
        "overview": PINS_CLEAR,
        "clear": PINS_CLEAR,
        "unlock": PINS_CLEAR,
        "require": PINS_CLEAR,
        "issue": CARDS_ISSUE,
        "void": CARDS_ISSUE,
    }

    @expose("/<classroom:public_id>/cards", methods=("GET",))
    def overview(self, public_id: str) -> str:
        """Who has a PIN and a card, who is locked, and what was last done."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=PINS_CLEAR)
        throttles = settings().throttles
        pupils = pin_queries.pupils(tx, row, throttles)
        base = f"/console/classrooms/{public_id}/cards"
        return self.class_page(
            "console/class_cards.html",
            row,
            record=self.changed(row),
            base=base,
            form=FlaskForm(),
            students=[
                {
                    "public_id": each.public_id,
                    "name": each.name,
                    "avatar": each.avatar,
                    "has_pin": each.has_pin,
                    "locked_until": each.locked_until,
                    "card_from": each.card_from,
                    "unprintable": unprintable(each.label),
                }
                for each in pupils
            ],
            with_pin=sum(each.has_pin for each in pupils),
            with_card=sum(each.card_from is not None for each in pupils),
            locked=locked_pins(tx, self.who, row, pupils=pupils, throttles=throttles),
            required=row.pins_required,
            papers=[
                {"value": paper.value, "title": title, "selected": paper is _paper(tx, row)}
                for paper, title in PAPERS.items()
            ],
            overrides=self._overrides(tx, row, pupils),
        )

    @expose("/<classroom:public_id>/cards/clear", methods=("POST",))
    def clear(self, public_id: str) -> Response:
        """Clear the PIN of one student, or all of the class."""
        chosen = _chosen()
        done_reading()
        count = overrides.clear_pins(
            principal=self.who, classroom=public_id, students=chosen, throttles=settings().throttles
        )
        if count:
            said = ngettext(
                "The PIN is cleared. Whoever was in with it is signed out.",
                "%(count)s PINs are cleared. Whoever was in with it is signed out.",
                count,
                count=count,
            )
            flash(said, "success")
        else:
            flash(gettext("There was no PIN to clear."), "info")
        return _back(public_id)

    @expose("/<classroom:public_id>/cards/unlock", methods=("POST",))
    def unlock(self, public_id: str) -> Response:
        """Let a student, or the class, try again at once."""
        chosen = _chosen()
        done_reading()
        unlocked = overrides.unlock(
            principal=self.who,
            classroom=public_id,
            student=chosen[0] if chosen else None,
            throttles=settings().throttles,
        )
        if unlocked:
            flash(gettext("Unlocked. They can try again now."), "success")
        else:
            flash(gettext("Nothing was locked any more."), "info")
        return _back(public_id)

    @expose("/<classroom:public_id>/cards/require", methods=("POST",))
    def require(self, public_id: str) -> Response:
        """Ask each student for a PIN, or leave it to them."""
        required = request.form.get("required") == "yes"
        done_reading()
        overrides.require_pins(principal=self.who, classroom=public_id, required=required)
        if required:
            flash(gettext("Whoever has no PIN is asked to make one when they come in next."), "success")
        else:
            flash(gettext("A PIN is up to each student now. Those that are set stay."), "success")
        return _back(public_id)

    @expose("/<classroom:public_id>/cards/print", methods=("POST",))
    def issue(self, public_id: str) -> Response:
        """Make cards, void the ones before, and answer with the sheets: nobody can print them again."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=CARDS_ISSUE)
        chosen = _chosen()
        pupils = {
            each.id: each
            for each in pin_queries.pupils(tx, row, settings().throttles)
            if (chosen is None or each.public_id in chosen) and not unprintable(each.label)
        }
        wanted = request.form.get("paper", "")
        paper = Paper(wanted) if wanted in set(Paper) else _paper(tx, row)
        done_reading()
        if not pupils:
            flash(gettext("No card was printed: there is no name here that can be."), "warning")
            return _back(public_id)
        made = cards.issue_cards(
            principal=self.who,
            classroom=public_id,
            students=[each.public_id for each in pupils.values()],
        )
        secrets = {each.student_id: each.secret for each in made}
        content = sheets(
            [
                Card(each.label, f"{settings().base_url}/join/card/{secrets[number]}")
                for number, each in pupils.items()
                if number in secrets
            ],
            paper=paper,
        )
        return Response(
            content,
            mimetype="application/pdf",
            headers={"Content-Disposition": 'attachment; filename="cards.pdf"'},
        )

    @expose("/<classroom:public_id>/cards/void", methods=("POST",))
    def void(self, public_id: str) -> Response:
        """Void the card of one student, or all of the class."""
        chosen = _chosen()
        done_reading()
        count = cards.void_cards(principal=self.who, classroom=public_id, students=chosen)
        if count:
            said = ngettext(
                "The card is void. Whoever came in with it is signed out.",
                "%(count)s cards are void. Whoever came in with it is signed out.",
                count,
                count=count,
            )
            flash(said, "success")
        else:
            flash(gettext("There was no card to void."), "info")
        return _back(public_id)

    def _overrides(self, tx: Transaction, row: Classroom, pupils: list[Pupil]) -> list[dict[str, Any]]:
        found = pin_queries.last_overrides(tx, row)
        names = queries.names_of(tx, {each.made_by for each in found if each.made_by is not None})
        children = {each.id: each.name for each in pupils}
        return [
            {
                "text": SAID[OverrideKind(each.kind)][each.student_id is None].format(
                    child=children.get(each.student_id or 0, gettext("a former student"))
                ),
                "by": names.get(each.made_by or 0),
                "at": each.made_at,
            }
            for each in found
        ]


def _chosen() -> list[str] | None:
    """The student whom a button is for; None where it is for all, and says so."""
    student = request.form.get("student", "")
    if student:
        return [student]
    if request.form.get("all") != "yes":
        abort(400)
    return None


def _paper(tx: Transaction, row: Classroom) -> Paper:
    school = tx.get(School, row.school_id)
    return paper_of(school.country if school else "")


def _back(public_id: str) -> Response:
    return redirect(f"/console/classrooms/{public_id}/cards", 303)
