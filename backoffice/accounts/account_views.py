"""The pages of the own account: who one is, the password, where one is signed in."""

from flask import flash, redirect, render_template, request
from flask_login import login_required
from werkzeug.wrappers import Response

from backoffice.accounts import devices as device_names
from backoffice.accounts.forms import ChangePasswordForm
from backoffice.accounts.passkeys import services as passkeys
from backoffice.accounts.providers.services import linking
from backoffice.accounts.services import credentials, second_factor, sessions
from backoffice.accounts.views import bp, principal
from backoffice.language import catalogues
from backoffice.language.texts import gettext
from backoffice.problems import Rejected, Throttled
from backoffice.web import cookies, devices, errors
from backoffice.web.identity import SAFE_METHODS, done_reading, reading, settings
from backoffice.web.offered import Where, offered


@bp.get("/account")
@login_required
def account() -> str:
    """The own account."""
    who, tx = principal(), reading()
    return render_template(
        "accounts/account.html",
        person=who,
        language_name=catalogues.own_name(catalogues.known(who.language) or catalogues.ENGLISH),
        email=credentials.own_address(tx),
        factor=second_factor.factor(tx),
        passkeys=passkeys.passkeys(tx),
        identities=linking.links(tx),
        offered=offered(tx, Where.ACCOUNT),
        sessions=[
            {
                "public_id": each.public_id,
                "device": each.device and device_names.said(each.device),
                "address": each.address,
                "started_at": each.started_at,
                "last_seen_at": each.last_seen_at,
                "this": each.id == who.session_id,
            }
            for each in sessions.live_sessions(tx)
        ],
    )


@bp.route("/account/password", methods=["GET", "POST"])
@login_required
def change_password() -> Response | tuple[str, int]:
    """Change the own password."""
    form, problem, who = ChangePasswordForm(), None, principal()
    if form.validate_on_submit():
        done_reading()
        try:
            token = credentials.change_password(
                principal=who,
                current=form.current.data or "",
                new=form.password.data or "",
                visitor=devices.visitor(),
                cost=settings().passwords,
                sessions=settings().sessions,
                throttles=settings().throttles,
            )
        except Rejected as rejected:
            for name, sentence in rejected.fields.items():
                field = form._fields.get(name, form.password)
                field.errors = [*field.errors, sentence]
        except Throttled as throttled:
            problem = gettext("That was tried too often. %(wait)s", wait=throttled.sentence)
            page = render_template("accounts/change_password.html", form=form, problem=problem, person=who)
            return errors.to_be_waited_for(page, throttled)
        else:
            flash(gettext("Your password is changed. Everywhere else you are signed out."), "success")
            response = redirect("/account", 303)
            cookies.put(response, settings(), cookies.ACCOUNT, token, same_site="Lax")
            return response
    page = render_template("accounts/change_password.html", form=form, problem=problem, person=who)
    return page, 200 if request.method in SAFE_METHODS else 422


@bp.post("/account/sessions/<session:public_id>/end")
@login_required
def end_session(public_id: str) -> Response:
    """End one of the own sessions."""
    who = principal()
    done_reading()
    sessions.end_session(principal=who, session=public_id)
    flash(gettext("That device is signed out."), "success")
    return redirect("/account" if public_id != who.session_public_id else "/sign-in", 303)


@bp.post("/account/sessions/end-others")
@login_required
def end_other_sessions() -> Response:
    """End all own sessions but this one."""
    who = principal()
    done_reading()
    ended = sessions.end_other_sessions(principal=who)
    flash(
        gettext("You were signed in nowhere else.")
        if not ended
        else gettext("All other devices are signed out."),
        "success",
    )
    return redirect("/account", 303)
