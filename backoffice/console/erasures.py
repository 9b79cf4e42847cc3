"""Erasing on the web: asked for, looked at, confirmed by its name, followed, and the receipt."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired

from backoffice.access.lookup import find
from backoffice.access.permissions import CONSOLE_ENTER, SCHOOLS_ERASE, STUDENTS_ERASE
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.grid import moment
from backoffice.console.guard import GuardedView
from backoffice.console.listed import some_of
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.privacy.erasure import asking, portions, receipts
from backoffice.privacy.erasure.models import Erasure, Stage
from backoffice.privacy.erasure.names import GROUPS, KINDS, titled
from backoffice.privacy.holdings import Subject
from backoffice.privacy.outside import handlers_of
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading, runtime
from backoffice.web.offered import Where, offered
from backoffice.web.rejections import show_rejection

HERE = "/console/erasures/"
MOST_SHOWN = 100
STATES = {
    Stage.LOOKING: (lazy("Being looked at"), "info"),
    Stage.PREVIEWED: (lazy("Waits for you"), "warn"),
    Stage.CONFIRMED: (lazy("Under way"), "info"),
    Stage.HELD: (lazy("Held"), "warn"),
    Stage.NOTED: (lazy("Under way"), "info"),
    Stage.ERASED: (lazy("Under way"), "info"),
    Stage.VERIFIED: (lazy("Erased"), "good"),
    Stage.LAPSED: (lazy("Not erased"), "mute"),
}
SAID = {
    Stage.LOOKING: lazy("We are looking at what would go."),
    Stage.PREVIEWED: lazy("Nothing has been erased yet."),
    Stage.CONFIRMED: lazy("It is being erased."),
    Stage.HELD: lazy(
        "There is an obligation to keep it. Nobody gets in any more, and it is erased when that ends."
    ),
    Stage.NOTED: lazy("It is being erased."),
    Stage.ERASED: lazy("Everything is gone. We are looking through all of it once more."),
    Stage.VERIFIED: lazy("It is erased for good, and nothing of it is left."),
    Stage.LAPSED: lazy("Nothing was erased."),
}
HELD_HALF_WAY = lazy(
    "There is an obligation to keep what is left of it. Nobody gets in any more, and the rest is erased when"
    " that ends."
)
GOES = {
    Subject.STUDENT: lazy(
        "A student is deleted with all points, sign-ins, cards and links to parents, in every class."
    ),
    Subject.CLASSROOM: lazy(
        "A class is deleted with its points, Actions, codes and cards, and with each student who is in no"
        " other class."
    ),
    Subject.SCHOOL: lazy(
        "A school is deleted with all of its classes and students, and with each account that works there and"
        " nowhere else. From the confirmation on nobody sees it or gets in. Whoever leads it can take"
        " everything along before."
    ),
    Subject.DISTRICT: lazy(
        "A district is deleted with all of its schools, their classes and students, and with each account"
        " that works there and nowhere else. From the confirmation on nobody sees them or gets in. Whoever"
        " leads a school can take everything of it along before."
    ),
}
UNDER_WAY = {Stage.LOOKING, Stage.CONFIRMED, Stage.NOTED, Stage.ERASED}


class EraseForm(FlaskForm):
    """What is erased, typed as it is called, or how many they are."""

    typed = StringField(lazy("Confirmation"), [DataRequired(lazy("Type what is asked for."))])


def begin(
    view: GuardedView,
    subject: Subject,
    public_id: str,
    *,
    called: str,
    url: str,
    crumbs: Sequence[Mapping[str, Any]],
    wider: Mapping[str, str] | None = None,
    along: Sequence[Mapping[str, str]] = (),
) -> str | Response:
    """The page on which somebody begins to erase something, and what its form does.

    `wider` is the page of what it belongs to and could be meant, `along` leads to taking it along before.
    """
    form = FlaskForm()
    if form.validate_on_submit():
        done_reading()
        number = asking.ask_to_erase(principal=view.who, subject=subject, public_id=public_id)
        return redirect(f"{HERE}{number}", 303)
    return view.render(
        "console/erase.html",
        form=form,
        called=called,
        url=url,
        goes=GOES[subject],
        wider=wider,
        along=along,
        crumbs=[*crumbs, {"title": gettext("Delete for good")}],
    )


def along_of(tx: Transaction, where: Where, thing: Any) -> list[Mapping[str, str]]:
    """Where plugins let a thing be taken along before it goes."""
    return [{"name": each.what, "url": each.url} for each in offered(tx, where, thing) if each.what]


class ErasuresPage(GuardedView):
    """What somebody has erased, and what was erased in the schools that they lead."""

    doors = {
        "index": CONSOLE_ENTER,
        "details": CONSOLE_ENTER,
        "confirm": CONSOLE_ENTER,
        "leave": CONSOLE_ENTER,
    }
    fresh = frozenset({"confirm"})
    title = lazy("Deletions")
    category = lazy("School")
    address = "erasures"
    icon = "clipboard"
    commands = (Command(lazy("See what was deleted"), "index", "erasures/", also=lazy("erase receipt")),)

    def is_visible(self) -> bool:
        """In the menu of those who may erase something."""
        return can(self.who, STUDENTS_ERASE) or can(self.who, SCHOOLS_ERASE)

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The latest first."""
        shown = [self._shown(each) for each in asking.latest(reading(), most=MOST_SHOWN)]
        return self.render("console/erasures.html", erasures=shown, crumbs=[{"title": self.title}])

    @expose("/<erasure:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """What would go, how far it is, or the receipt."""
        return self._page(public_id, EraseForm())

    @expose("/<erasure:public_id>/confirm", methods=("POST",))
    def confirm(self, public_id: str) -> Response | tuple[str, int]:
        """Erase it."""
        form = EraseForm()
        if not form.validate_on_submit():
            return self._page(public_id, form), 422
        done_reading()
        try:
            asking.confirm_erasure(principal=self.who, erasure=public_id, typed=form.typed.data or "")
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
            return self._page(public_id, form, problem), 422
        return redirect(f"{HERE}{public_id}", 303)

    @expose("/<erasure:public_id>/leave", methods=("POST",))
    def leave(self, public_id: str) -> Response:
        """Leave it as it is."""
        done_reading()
        try:
            asking.leave_erasure(principal=self.who, erasure=public_id)
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
        return redirect(f"{HERE}{public_id}", 303)

    def _page(self, public_id: str, form: EraseForm, problem: str | None = None) -> str:
        row = find(reading(), Erasure, public_id)
        erasure = self._shown(row)
        shown = {"erasure": erasure, "form": form, "problem": problem}
        # A page that looks again by itself asks for the part alone.
        if "part" in request.args:
            return render_template("console/parts/erasure.html", **shown)
        crumbs = [{"title": self.title, "url": HERE}, {"title": erasure["title"]}]
        return self.render("console/erasure.html", **shown, crumbs=crumbs)

    def _shown(self, row: Erasure) -> dict[str, Any]:
        stage, zone = Stage(row.stage), ZoneInfo(self.who.time_zone)
        word, tone = STATES[stage]
        own = row.asked_by == self.who.account_id
        found = row.found if own and Subject(row.subject) in asking.PERMISSIONS else None
        return {
            "url": f"{HERE}{row.public_id}",
            "title": titled(Subject(row.subject), row.subjects),
            "state": word,
            "tone": tone,
            "said": HELD_HALF_WAY if stage is Stage.HELD and row.rows_gone else SAID[stage],
            "progress": _progress(row) if stage in UNDER_WAY else None,
            "under_way": stage in UNDER_WAY,
            "waits": own and stage is Stage.PREVIEWED,
            "may_leave": own and stage in {Stage.LOOKING, Stage.PREVIEWED},
            "asked": moment(row.asked_at, zone),
            "own": own,
            "found": _in_words(row, found) if found else None,
            "receipt": _receipt(row) if row.receipt else None,
        }


def _in_words(row: Erasure, found: dict[str, Any]) -> dict[str, Any]:
    # Several have no name, though one may be left of them.
    several = not found["title"]
    rows: dict[str, int] = {}
    for table, count in found["rows"].items():
        group = str(GROUPS.get(table, GROUPS[""]))
        rows[group] = rows.get(group, 0) + count
    stays, people = found.get("staying", 0), found.get("people_staying", 0)
    outside = handlers_of(runtime().plugins)
    return {
        "title": titled(Subject(row.subject), row.subjects) if several else found["title"],
        "several": several,
        "named": some_of(named, of=row.subjects) if (named := found.get("named")) else None,
        # What confirms it.
        "typed": amount(row.subjects) if several else found["title"],
        "subjects": [
            (KINDS[Subject(kind)], amount(count))
            for kind, count in {**found["subjects"], **found.get("inside", {})}.items()
        ],
        # What has no name of its own comes last.
        "rows": [
            (group, amount(rows[group])) for group in sorted(rows, key=lambda group: group == GROUPS[""])
        ],
        "classes": some_of(rooms) if (rooms := found.get("classes")) else None,
        "kept": found.get("kept", False),
        "staying": ngettext(
            "%(count)s student is in another class too, and stays there.",
            "%(count)s students are in another class too, and stay there.",
            stays,
            count=amount(stays),
        )
        if stays
        else None,
        "people": ngettext(
            "%(count)s account stays: it is needed elsewhere too.",
            "%(count)s accounts stay: they are needed elsewhere too.",
            people,
            count=amount(people),
        )
        if people
        else None,
        "outside": [outside[name].title for name in found.get("outside", ()) if name in outside],
    }


def _progress(row: Erasure) -> str | None:
    """How far one is that goes in steps, and at what."""
    if row.rows_planned is None:
        return None
    table = portions.table_of(row.step or "")
    return gettext(
        "%(gone)s of about %(planned)s records are gone. Now: %(group)s",
        gone=amount(row.rows_gone or 0),
        planned=amount(row.rows_planned),
        group=GROUPS.get(table, GROUPS[""]),
    )


def _receipt(row: Erasure) -> dict[str, Any]:
    assert row.receipt is not None
    told = receipts.read(row.receipt)
    digest = receipts.hash_of(row.receipt)
    return {
        "number": row.public_id,
        "hash": digest,
        "url": f"/receipts/{row.public_id}?hash={digest}",
        "rows": amount(sum(told["rows"].values())),
        "subjects": [(KINDS[kind], amount(count)) for kind, count in receipts.gone_by_kind(told).items()],
    }
