"""The pages of somebody's own exports: asking for the own account and own children, and fetching."""

from collections.abc import Iterator
from http import HTTPStatus

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import RadioField
from wtforms.validators import InputRequired

from backoffice.access.permissions import CLASSROOMS_EXPORT, CONSOLE_ENTER
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.accounts.services import proof
from backoffice.accounts.services.sessions import on_shared_computer
from backoffice.accounts.views import principal
from backoffice.console.guard import SECONDS_AT_WORK
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading
from backoffice.web.identity import settings as of_the_product
from plugins.exports import queries, services, settings
from plugins.exports.content.locking import ENDING
from plugins.exports.content.sealing import open_sealed
from plugins.exports.forms import HowForm
from plugins.exports.offers import CONSOLE as IN_THE_CONSOLE
from plugins.exports.offers import OWN as HERE
from plugins.exports.places import folder_of
from plugins.exports.said import ASKED, shown
from plugins.exports.services import OutOfRange, Part, Wanted, WrongLink

# What is chosen instead of an identifier: the own account with its classes.
CLASSES = "classes"
bp = Blueprint("exports", __name__, template_folder="templates")


class OwnForm(HowForm):
    """The own account, or an own child."""

    what = RadioField(lazy("What"), [InputRequired(lazy("Choose what you want to take along."))])

    def fill(self, tx: Transaction, child: str = "") -> None:
        """Offer the own account and the children whom one follows, of whom `child` may be chosen already."""
        who = tx.principal
        classes = [(CLASSES, gettext("My account and all classes that I teach"))]
        self.what.choices = [
            (str(who.account_public_id), gettext("My account")),
            *(classes if queries.own_rooms(tx) else ()),
            *((each.public_id, each.name) for each in queries.own_children(tx)),
        ]
        if not self.is_submitted():
            known = [each[0] for each in self.what.choices]
            self.what.data = child if child in known else known[0]


@bp.route("/account/exports", methods=["GET", "POST"])
@login_required
def index() -> str | BaseResponse | tuple[str, int]:
    """All own exports, and the way to a new one of the own account or an own child."""
    form, problem = OwnForm(), None
    form.fill(reading(), request.args.get("child", ""))
    if form.validate_on_submit():
        who, what = principal(), str(form.what.data)
        done_reading()
        account = what in (who.account_public_id, CLASSES)
        try:
            services.ask(
                principal=who,
                subject=Subject.ACCOUNT if account else Subject.STUDENT,
                public_id=str(who.account_public_id) if account else what,
                for_family=not account,
                **form.how,
                with_rooms=what == CLASSES,
            )
        except Rejected as rejected:
            problem = form.refuse(rejected)
        else:
            flash(ASKED, "success")
            return redirect(HERE, 303)
    page = _page(form, problem)
    return (page, HTTPStatus.UNPROCESSABLE_ENTITY) if form.errors or problem else page


@bp.post("/account/exports/<export:public_id>/cancel")
@login_required
def cancel(public_id: str) -> BaseResponse:
    """Give up an own export that is still to be made."""
    who = principal()
    done_reading()
    try:
        services.cancel(principal=who, export=public_id)
    except Rejected as rejected:
        flash(rejected.in_words, "info")
    else:
        flash(gettext("The export is given up. Nothing of it is kept."), "success")
    at_work = can(who, CONSOLE_ENTER) and can(who, CLASSROOMS_EXPORT)
    return redirect(IN_THE_CONSOLE if at_work else HERE, 303)


@bp.get("/account/exports/<export:public_id>/file")
@login_required
def fetch(public_id: str) -> BaseResponse | tuple[str, int]:
    """Download an own export, whole or the part that a broken download lacks."""
    who, link, folder = principal(), request.args.get("signed", ""), folder_of(current_app)
    proof.demand(reading())
    done_reading()
    asks = services.look if request.method == "HEAD" else services.fetch
    try:
        part = asks(principal=who, export=public_id, link=link, wanted=_wanted(public_id), folder=folder)
    except WrongLink:
        # The list has the right one.
        return redirect(HERE, 303)
    except OutOfRange as beyond:
        said = {"Content-Range": f"bytes */{beyond.size}"}
        return Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=said)
    except Rejected as rejected:
        form = OwnForm(formdata=None)
        form.fill(reading())
        return _page(form, rejected.in_words), HTTPStatus.GONE
    return _sent(part, public_id)


def _sent(part: Part, public_id: str) -> Response:
    ending = f".zip{ENDING}" if part.locked else ".zip"
    response = Response(
        () if request.method == "HEAD" else _opened(part),
        status=HTTPStatus.OK if part.whole else HTTPStatus.PARTIAL_CONTENT,
        mimetype="application/octet-stream" if part.locked else "application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="export-{public_id}{ending}"',
            "Content-Length": str(part.stop - part.start),
            "Accept-Ranges": "bytes",
            "Cache-Control": "no-store",
            "ETag": _mark(public_id),
        },
    )
    if not part.whole:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{part.size}"
    return response


def _opened(part: Part) -> Iterator[bytes]:
    with open_sealed(part.path, part.key) as file:
        yield from file.read_range(part.start, part.stop)


def _mark(public_id: str) -> str:
    """What tells this file from any other: it is never written anew."""
    return f'"{public_id}"'


def _wanted(public_id: str) -> Wanted:
    """The part that is asked for, where it is one; else all of it."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return Wanted()
    if request.headers.get("If-Range", _mark(public_id)) != _mark(public_id):
        return Wanted()
    start, stop = asked.ranges[0]
    return Wanted(start, stop, whole=False)


def _page(form: OwnForm, problem: str | None) -> str:
    tx, who = reading(), principal()
    limits = settings.current(tx)
    own = [shown(each, limits, own=True) for each in queries.own(tx)]
    looks = any(each.is_under_way for each in own) and not on_shared_computer(tx, of_the_product().sessions)
    return render_template(
        "exports/own.html",
        person=who,
        form=form,
        cancel_form=FlaskForm(),
        problem=problem,
        own=own,
        limits=limits,
        seconds=SECONDS_AT_WORK if looks else None,
    )
