"""The pages of passkeys. The browser's script asks for a question, and sends the answer as a form."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, redirect, render_template, request, session
from flask_login import login_required
from werkzeug.wrappers import Response

from backoffice.accounts import devices as device_names
from backoffice.accounts.factor_views import PROVING_FOR, codes_page, going_on
from backoffice.accounts.forms import PasswordForm, SignInByCodeForm, SignInForm
from backoffice.accounts.passkeys import ceremony, services
from backoffice.accounts.passkeys.ceremony import Asked, Party, Presented
from backoffice.accounts.passkeys.forms import NOTHING, AddPasskeyForm, PasskeyForm
from backoffice.accounts.services import proof, second_factor, signing_in
from backoffice.accounts.views import HALF_WAY, bp, come_in, principal, sign_in_page
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.web import devices, errors
from backoffice.web.identity import SAFE_METHODS, done_reading, reading, settings

# Sealed, and for minutes only: what this browser was asked to have signed.
CHALLENGE = "passkey"
PAGE = "/account/passkeys"
NUMBERED = lazy("Passkeys are made for a name, and this site is reached by a number. Open it by its name.")


@bp.get("/sign-in/passkey/options")
def passkey_to_sign_in() -> Mapping[str, Any]:
    """What a passkey is asked to sign in with."""
    return _asked(services.ask_to_sign_in)


@bp.post("/sign-in/passkey")
def sign_in_by_passkey() -> Response | tuple[str, int]:
    """Sign in by a passkey alone."""
    form = PasskeyForm()
    done_reading()
    try:
        begun = services.sign_in(**_shown(form))
    except Rejected as rejected:
        return _back("/sign-in", rejected)
    except Throttled as throttled:
        page, _status = sign_in_page(SignInForm(formdata=None), _too_often(throttled), 429)
        return errors.to_be_waited_for(page, throttled)
    return come_in(begun)


@bp.get("/sign-in/code/passkey/options")
def passkey_after_password() -> Mapping[str, Any]:
    """What a passkey is asked as second factor, where the password was right."""
    half_way = session.get(HALF_WAY, "")
    return _asked(lambda site: services.ask_for_second_factor(site, half_way=half_way))


@bp.post("/sign-in/code/passkey")
def sign_in_after_password() -> Response | tuple[str, int]:
    """Show a passkey in the place of a code."""
    form, half_way = PasskeyForm(), session.get(HALF_WAY, "")
    done_reading()
    try:
        begun = services.sign_in_after_password(half_way=half_way, **_shown(form))
    except Rejected as rejected:
        return _back("/sign-in/code" if signing_in.may_go_on(half_way) else "/sign-in", rejected)
    except Throttled as throttled:
        page = render_template(
            "accounts/sign_in_code.html",
            form=SignInByCodeForm(formdata=None),
            problem=_too_often(throttled),
        )
        return errors.to_be_waited_for(page, throttled)
    return come_in(begun)


@bp.get("/account/prove/passkey/options")
@login_required
def passkey_to_prove() -> Mapping[str, Any]:
    """What a passkey is asked before what reaches far."""
    return _asked(lambda site: services.ask_to_prove(reading(), site))


@bp.post("/account/prove/passkey")
@login_required
def prove_by_passkey() -> Response | tuple[str, int]:
    """Take a passkey for the password, and lead back to where proof was needed."""
    form, who = PasskeyForm(), principal()
    done_reading()
    try:
        services.prove(
            principal=who,
            presented=_presented(form),
            site=_here(),
            visitor=devices.visitor(),
            throttles=settings().throttles,
        )
    except Rejected as rejected:
        return _back("/account/prove", rejected)
    except Throttled as throttled:
        page = render_template(
            "accounts/prove.html",
            form=PasswordForm(formdata=None),
            problem=_too_often(throttled),
            person=who,
            passkeys=True,
        )
        return errors.to_be_waited_for(page, throttled)
    return redirect(session.pop(PROVING_FOR, "/account"), 303)


@bp.get("/account/passkeys/options")
@login_required
def passkey_to_add() -> Mapping[str, Any]:
    """What a new passkey is made from."""
    return _asked(lambda site: services.ask_to_add(reading(), site))


@bp.route(PAGE, methods=["GET", "POST"])
@login_required
def passkeys() -> Response | tuple[str, int]:
    """The own passkeys, and a form to add one."""
    form, problem, who = AddPasskeyForm(), None, principal()
    tx = reading()
    proof.demand(tx)
    page = {
        "person": who,
        "passkeys": _listed(),
        "most": services.MOST,
        "factor": second_factor.factor(tx),
    }
    if request.method not in SAFE_METHODS and not form.answer.data:
        # No button of ours sends that: there is nothing to correct in the form.
        return _back(PAGE, Rejected.whole(NOTHING))
    if form.validate_on_submit():
        done_reading()
        try:
            changed = services.add(
                principal=who,
                name=form.name.data or "",
                presented=_presented(form),
                site=_here(),
                sessions=settings().sessions,
            )
        except Rejected as rejected:
            problem = rejected.in_words
        else:
            if changed.recovery_codes:
                return codes_page(changed)
            flash(gettext("Your passkey is added. Everywhere else you are signed out."), "success")
            return going_on(redirect(PAGE, 303), changed)
    status = 200 if request.method in SAFE_METHODS else 422
    return render_template("accounts/passkeys.html", form=form, problem=problem, **page), status


@bp.post("/account/passkeys/<passkey:public_id>/remove")
@login_required
def remove_passkey(public_id: str) -> Response:
    """Be without one of the own passkeys."""
    who = principal()
    done_reading()
    try:
        changed = services.remove(principal=who, passkey=public_id, sessions=settings().sessions)
    except Rejected as rejected:
        return _back(PAGE, rejected)
    flash(gettext("That passkey is removed. Everywhere else you are signed out."), "success")
    return going_on(redirect(PAGE, 303), changed)


@bp.app_template_global()
def passkeys_work() -> bool:
    """Whether this site is reached by a name, as passkeys need it."""
    return ceremony.party(settings().base_url) is not None


@bp.app_template_global()
def passkey_may_follow() -> bool:
    """Whether whoever typed the right password in this browser has a passkey."""
    return passkeys_work() and services.may_show_one(session.get(HALF_WAY, ""))


def _listed() -> list[Mapping[str, Any]]:
    """What the page shows of the own passkeys, also after the reading is done."""
    return [
        {
            "public_id": each.public_id,
            "name": each.name,
            "backed_up": each.backed_up,
            "created_at": each.created_at,
            "last_used_at": each.last_used_at,
        }
        for each in services.passkeys(reading())
    ]


def _here() -> Party:
    site = ceremony.party(settings().base_url)
    if site is None:
        raise Rejected.whole(NUMBERED)
    return site


def _asked(ask: Callable[[Party], Asked]) -> Mapping[str, Any]:
    """The question for the browser's script; nothing where it is to load its page again, which says why."""
    try:
        asked = ask(_here())
    except (Rejected, proof.ProofNeeded):
        return {"publicKey": None}
    session[CHALLENGE] = asked.challenge
    return {"publicKey": asked.options}


def _presented(form: PasskeyForm) -> Presented:
    if not form.validate_on_submit():
        raise Rejected.whole(form.sentence)
    return Presented(form.answer.data or "", session.pop(CHALLENGE, ""))


def _shown(form: PasskeyForm) -> dict[str, Any]:
    """What both ways of signing in by a passkey take."""
    return {
        "presented": _presented(form),
        "site": _here(),
        "sessions": settings().sessions,
        "visitor": devices.visitor(),
        "device": device_names.named(request.user_agent.string),
        "shared": bool(form.shared.data),
        "throttles": settings().throttles,
    }


def _back(page: str, rejected: Rejected) -> Response:
    flash(rejected.in_words, "warning")
    return redirect(page, 303)


def _too_often(throttled: Throttled) -> str:
    return gettext("That was tried too often. %(wait)s", wait=throttled.sentence)
