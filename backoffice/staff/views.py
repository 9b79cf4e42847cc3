"""The page behind the link of an invitation. Looking changes nothing: mail programs open links."""

from flask import Blueprint, flash, redirect, render_template, request, session
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.accounts import devices as device_names
from backoffice.accounts.services import signing_in
from backoffice.accounts.views import WANTED, let_in, principal
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.staff.forms import NewcomerForm
from backoffice.staff.services import invitations
from backoffice.staff.services.invitations import Opened, Standing
from backoffice.web import cookies, devices
from backoffice.web.identity import SAFE_METHODS, done_reading, settings
from backoffice.web.rejections import show_rejection

bp = Blueprint("staff", __name__, template_folder="templates")


@bp.route("/invitations/<link:token>", methods=["GET", "POST"])
def invitation(token: str) -> Response | tuple[str, int]:
    """Take a place at a school: with the own account, or with a new one."""
    found = invitations.opened(token)
    if found is None:
        return render_template("staff/over.html"), 410
    if current_user.is_authenticated:
        if principal().account_public_id != found.account:
            return _for_another(found)
        return _confirmed(token, found)
    if found.standing is Standing.ACCOUNT:
        session[WANTED] = {"path": request.path, "by": None}
        return _page("staff/sign_in_first.html", found, FlaskForm())
    return _newcomer(token, found)


def _for_another(found: Opened) -> Response | tuple[str, int]:
    form = FlaskForm()
    if not form.validate_on_submit():
        return _page("staff/for_another.html", found, form)
    who = principal()
    done_reading()
    signing_in.sign_out(principal=who)
    session.clear()
    response = redirect(request.path, 303)
    cookies.drop(response, settings(), cookies.ACCOUNT)
    return response


def _confirmed(token: str, found: Opened) -> Response | tuple[str, int]:
    form = FlaskForm()
    if not form.validate_on_submit():
        return _page("staff/confirm.html", found, form)
    who = principal()
    done_reading()
    try:
        invitations.accept(principal=who, token=token)
    except Rejected:
        return render_template("staff/over.html"), 410
    flash(gettext("You are %(place)s at %(school)s now.", place=found.place, school=found.school), "success")
    return redirect("/console/", 303)


def _newcomer(token: str, found: Opened) -> Response | tuple[str, int]:
    form = NewcomerForm(name=found.name)
    problem = None
    if form.validate_on_submit():
        done_reading()
        try:
            begun = invitations.accept_anew(
                token=token,
                name=form.name.data or "",
                password=form.password.data or "",
                cost=settings().passwords,
                sessions=settings().sessions,
                visitor=devices.visitor(),
                device=device_names.named(request.user_agent.string),
            )
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
        else:
            response = let_in(begun, "/console/")
            flash(
                gettext(
                    "Welcome. You are %(place)s at %(school)s now.", place=found.place, school=found.school
                ),
                "success",
            )
            return response
    return _page("staff/newcomer.html", found, form, problem)


def _page(template: str, found: Opened, form: FlaskForm, problem: str | None = None) -> tuple[str, int]:
    status = 200 if request.method in SAFE_METHODS else 422
    who = principal() if current_user.is_authenticated else None
    return render_template(template, invitation=found, form=form, problem=problem, person=who), status
