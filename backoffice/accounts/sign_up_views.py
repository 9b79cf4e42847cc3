"""Signing up: who and where, then a mail, then a password. Every address gets the same answer."""

from flask import flash, redirect, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from backoffice.accounts import devices as device_names
from backoffice.accounts import places
from backoffice.accounts.address_forms import BeginForm, SignUpForm
from backoffice.accounts.services import sign_up as signing_up
from backoffice.accounts.services import signing_in
from backoffice.accounts.views import bp, homes_of, let_in, principal
from backoffice.language.texts import gettext
from backoffice.problems import Rejected, Throttled
from backoffice.web import devices, errors
from backoffice.web.identity import SAFE_METHODS, done_reading, settings
from backoffice.web.rejections import show_rejection


@bp.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> Response | tuple[str, int]:
    """Ask for an account."""
    if request.method in SAFE_METHODS and current_user.is_authenticated:
        return redirect(homes_of(principal())[0].address, 303)
    form, problem = SignUpForm(country=_likely_country()), None
    form.offer_places()
    if form.validate_on_submit():
        done_reading()
        try:
            signing_up.ask_to_sign_up(
                name=form.name.data or "",
                email=form.email.data or "",
                place=places.checked(
                    country=form.country.data or "",
                    state=form.state.data or "",
                    time_zone=form.time_zone.data or "",
                ),
                visitor=devices.visitor(),
                throttles=settings().throttles,
            )
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
        except Throttled as throttled:
            problem = gettext("That was asked for too often. %(wait)s", wait=throttled.sentence)
            page = render_template("accounts/sign_up/ask.html", form=form, problem=problem)
            return errors.to_be_waited_for(page, throttled)
        else:
            return redirect("/sign-up/sent", 303)
    status = 200 if request.method in SAFE_METHODS else 422
    return render_template("accounts/sign_up/ask.html", form=form, problem=problem), status


@bp.get("/sign-up/sent")
def sign_up_sent() -> str:
    """What to do now: the same for every address."""
    return render_template("accounts/sign_up/sent.html")


@bp.route("/sign-up/<link:token>", methods=["GET", "POST"])
def begin_account(token: str) -> Response | tuple[str, int]:
    """Choose a password, by the link of a mail. Looking changes nothing: mail programs open links."""
    asked = signing_up.opened(token)
    if asked is None:
        return _over()
    form, problem = BeginForm(name=asked.name), None
    if form.validate_on_submit():
        before = principal() if current_user.is_authenticated else None
        done_reading()
        try:
            begun = signing_up.sign_up(
                token=token,
                name=form.name.data or "",
                password=form.password.data or "",
                cost=settings().passwords,
                sessions=settings().sessions,
                visitor=devices.visitor(),
                device=device_names.named(request.user_agent.string),
            )
        except Rejected as rejected:
            if "" in rejected.fields:
                return _over()
            show_rejection(form, rejected)
        else:
            if before is not None:
                signing_in.sign_out(principal=before)
            response = let_in(begun, "/console/")
            flash(gettext("Welcome. Your account is ready."), "success")
            return response
    page = render_template("accounts/sign_up/begin.html", form=form, problem=problem, asked=asked)
    return page, 200 if request.method in SAFE_METHODS else 422


def _over() -> tuple[str, int]:
    return render_template("accounts/sign_up/over.html"), 410


def _likely_country() -> str:
    """The country of the language that the browser asks for, "en-GB"; else the first one."""
    asked = (value.replace("_", "-").rpartition("-") for value in request.accept_languages.values())
    # A language alone says nothing: "sv" is Swedish, and SV is El Salvador.
    regions = (region.upper() for language, _, region in asked if language)
    return next((each for each in regions if each in places.countries()), places.FIRST[0])
