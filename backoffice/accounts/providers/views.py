"""Signing in with an identity provider in the browser, linking the own account with one, and unlinking it.

The way to a provider is a link and no form: under `form-action 'self'` a form must not end elsewhere.
"""

from collections.abc import Sequence

from flask import Blueprint, Flask, flash, redirect, render_template, request, session
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from backoffice.accounts import devices as device_names
from backoffice.accounts.providers.fetching import NoAnswer
from backoffice.accounts.providers.protocol import Provider, Refused
from backoffice.accounts.providers.services import arriving, directory, linking
from backoffice.accounts.providers.services.arriving import Arrival, NotLinked
from backoffice.accounts.services import proof, signing_in
from backoffice.accounts.views import HALF_WAY, come_in, homes_of, principal
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.web import cookies, devices
from backoffice.web.identity import SAFE_METHODS, address, done_reading, reading, settings
from backoffice.web.logs import logger, reference

bp = Blueprint("providers", __name__, template_folder="templates")
# Sealed, and for minutes: the journey to a provider, and that a link may be mailed to whom it named.
JOURNEY = "journey"
OFFER = "offer"
# The same whether or not there is an account.
ASKED = lazy(
    "If there is an account with the address of that account, a link is on its way to it."
    " It works for 30 minutes. Look into the folder for unwanted mail too."
)
SILENT = lazy("It may be on its way back in a minute. You can sign in with your password meanwhile.")
ANOTHER_SESSION = lazy("You were signed out meanwhile, so nothing was linked. Sign in, then link it again.")


@bp.get("/sign-in/<provider:name>")
def begin(name: str) -> Response | tuple[str, int]:
    """Send somebody to a provider to sign in."""
    if current_user.is_authenticated:
        return redirect(homes_of(principal())[0].address, 303)
    return _away(name, shared=request.args.get("shared") == "y")


@bp.get("/account/link/<provider:name>")
@login_required
def link(name: str) -> Response | tuple[str, int]:
    """Send somebody who is signed in to a provider to link the account."""
    proof.demand(reading())
    return _away(name, linking=principal().session_public_id)


@bp.get("/sign-in/<provider:name>/callback")
def callback(name: str) -> Response | tuple[str, int]:
    """Where a provider sends people back to."""
    word = session.pop(JOURNEY, "")
    done_reading()
    try:
        arrival = arriving.arrive(
            provider=name,
            word=word,
            query=request.args,
            back=_back(name),
            visitor=devices.visitor(),
            throttles=settings().throttles,
        )
    except Refused as refused:
        logger.warning("identity refused", reference=reference(), provider=name, why=refused.why)
        return _refused(gettext("You are not signed in"), refused.sentence), 422
    except NoAnswer as silent:
        return _silent(name, silent)
    return _linked(arrival) if arrival.journey.linking else _signed_in(arrival)


@bp.post("/sign-in/link")
def ask_for_link() -> Response:
    """Have a link mailed to whom a provider has just named. The answer is the same for every address."""
    word = session.pop(OFFER, "")
    done_reading()
    try:
        linking.ask_for_link(word=word, visitor=devices.visitor(), throttles=settings().throttles)
    except Rejected as rejected:
        flash(rejected.fields[""], "warning")
    else:
        flash(ASKED, "success")
    return redirect("/sign-in", 303)


@bp.route("/sign-in/link/<link:token>", methods=["GET", "POST"])
def link_by_mail(token: str) -> Response | tuple[str, int]:
    """Link an account, by the link of a mail; asked first, for mail programs open links by themselves."""
    form, offered = FlaskForm(), linking.offered(token)
    if offered is None:
        return _spent()
    if not form.validate_on_submit():
        status = 200 if request.method in SAFE_METHODS else 422
        return render_template("providers/link.html", form=form, offered=offered), status
    done_reading()
    try:
        title = linking.accept(token=token, address=address())
    except Rejected:
        return _spent()
    flash(
        gettext(
            "Your %(title)s account is linked. Everywhere else you are signed out. Sign in with it now.",
            title=title,
        ),
        "success",
    )
    return redirect("/sign-in", 303)


@bp.post("/account/unlink/<provider:name>")
@login_required
def unlink(name: str) -> Response:
    """Unlink the own account from a provider."""
    who = principal()
    done_reading()
    response = redirect("/account", 303)
    try:
        token = linking.unlink(principal=who, provider=name, sessions=settings().sessions)
    except Rejected as rejected:
        flash(rejected.fields[""], "warning")
        return response
    if token is None:
        flash(gettext("It was not linked."), "info")
        return response
    flash(gettext("It is unlinked. Everywhere else you are signed out."), "success")
    cookies.put(response, settings(), cookies.ACCOUNT, token, same_site="Lax")
    return response


def init_app(app: Flask) -> None:
    """Let the sign-in page know the providers."""
    app.jinja_env.globals["identity_providers"] = _in_use


def _in_use() -> Sequence[Provider]:
    try:
        return directory.in_use(reading())
    except SQLAlchemyError:
        return ()


def _away(name: str, *, shared: bool = False, linking: str | None = None) -> Response | tuple[str, int]:
    done_reading()
    try:
        departure = arriving.depart(provider=name, back=_back(name), shared=shared, linking=linking)
    except NoAnswer as silent:
        return _silent(name, silent)
    session[JOURNEY] = departure.word
    return redirect(departure.address, 303)


def _back(name: str) -> str:
    return f"{settings().base_url.rstrip('/')}/sign-in/{name}/callback"


def _signed_in(arrival: Arrival) -> Response | tuple[str, int]:
    identity, shared = arrival.identity, arrival.journey.shared
    try:
        begun = arriving.sign_in(
            identity=identity,
            sessions=settings().sessions,
            visitor=devices.visitor(),
            device=device_names.named(request.user_agent.string),
            throttles=settings().throttles,
            shared=shared,
        )
    except NotLinked:
        session[OFFER] = linking.offer(identity)
        page = render_template(
            "providers/not_linked.html", form=FlaskForm(formdata=None), title=identity.provider.title
        )
        return page, 403
    except signing_in.CodeNeeded as needed:
        session[HALF_WAY] = needed.half_way
        return redirect("/sign-in/code?shared=y" if shared else "/sign-in/code", 303)
    except Rejected as rejected:
        return _refused(gettext("You are not signed in"), rejected.fields[""]), 422
    return come_in(begun)


def _linked(arrival: Arrival) -> Response | tuple[str, int]:
    provider = arrival.identity.provider
    who = principal() if current_user.is_authenticated else None
    if who is None or who.session_public_id != arrival.journey.linking:
        return _refused(gettext("Nothing was linked"), ANOTHER_SESSION), 422
    done_reading()
    try:
        token = linking.link(principal=who, identity=arrival.identity, sessions=settings().sessions)
    except proof.ProofNeeded:
        # It took long on the other side: once more, from where the proof is asked for.
        return redirect(f"/account/link/{provider.name}", 303)
    except Rejected as rejected:
        return _refused(
            gettext("Nothing was linked"), rejected.fields[""], "/account", gettext("Back to my account")
        ), 422
    flash(
        gettext(
            "Your %(title)s account is linked. Everywhere else you are signed out.", title=provider.title
        ),
        "success",
    )
    response = redirect("/account", 303)
    cookies.put(response, settings(), cookies.ACCOUNT, token, same_site="Lax")
    return response


def _silent(name: str, silent: NoAnswer) -> tuple[str, int]:
    logger.warning("identity provider", reference=reference(), provider=name, why=silent.why)
    return _refused(gettext("The other side does not answer"), SILENT), 503


def _refused(
    heading: str, sentence: str, url: str = "/sign-in", action: str = lazy("Back to signing in")
) -> str:
    return render_template(
        "providers/refused.html", heading=heading, sentence=sentence, url=url, action=action
    )


def _spent() -> tuple[str, int]:
    return render_template("web/over.html", url="/sign-in", action=gettext("Back to signing in")), 410
