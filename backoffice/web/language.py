"""The language of a request, and the switch at the foot of pages.

An adult's own setting comes first; for everybody else the choice that a cookie keeps, which holds that word
alone; then the school's, for a child who is in; then what the browser asks for; else English.
"""

from urllib.parse import urlsplit, urlunsplit

from flask import Blueprint, Flask, Response, current_app, g, has_request_context, redirect, request
from flask_babel import Babel
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

from backoffice.access.principal import Kind, Principal
from backoffice.language import catalogues, spoken
from backoffice.language.texts import speak_in
from backoffice.web import cookies
from backoffice.web.identity import settings
from backoffice.web.script_texts import texts_of_scripts

bp = Blueprint("language", __name__)
A_YEAR = 365 * 24 * 60 * 60
# While it is found out who asks, and so in which language to answer.
_LOOKING = "looking for the language"


@bp.get("/language")
def choose() -> BaseResponse:
    """Keep the choice in this browser, and lead back to where it was made."""
    response = redirect(_back(request.referrer or ""), 303)
    if chosen := catalogues.known(request.args.get("to")):
        cookies.put(response, settings(), cookies.LANGUAGE, chosen, same_site="Lax", seconds=A_YEAR)
    return response


def of_request() -> str | None:
    """The language of what is answered; None outside of requests."""
    try:
        # Each text of a page asks: what is known is answered at once.
        known: str = g.language
    except AttributeError:
        if not has_request_context():
            return None
        if _LOOKING in g:
            # Looking for who it is said something, too.
            return _without_a_person()
        setattr(g, _LOOKING, True)
        try:
            _is_adult()
        except BaseException:
            # The page that says so is written in some language, without asking again.
            g.language = _without_a_person()
            raise
        finally:
            g.pop(_LOOKING)
        known = g.language = _of(g.get("entered"))
    except RuntimeError:
        return None
    return known


def _of(who: Principal | None) -> str:
    own = catalogues.known(who.language) if who else None
    if who and who.kind is Kind.STUDENT:
        return _chosen() or own or _without_a_person()
    return own or _without_a_person()


def offered() -> list[tuple[str, str]]:
    """The languages of the switch, each with its own name; none where the account's setting holds."""
    if _is_adult():
        return []
    return [(each, catalogues.own_name(each)) for each in catalogues.languages()]


def on_a_childs_page() -> bool:
    """Whether a child may read the answer, which is then in a child's words."""
    return request.path.split("/")[1] in {"join", "student", "tablet"}


def _is_adult() -> bool:
    # A child's page keeps no account awake.
    if (
        g.get("unreachable")
        or on_a_childs_page()
        or cookies.name(settings(), cookies.ACCOUNT) not in request.cookies
    ):
        return False
    try:
        return bool(current_user.is_authenticated)
    except SQLAlchemyError:
        return False


def _without_a_person() -> str:
    asked = (catalogues.known(tag) for tag in request.accept_languages.values())
    return _chosen() or next(filter(None, asked), catalogues.ENGLISH)


def _chosen() -> str | None:
    return catalogues.known(request.cookies.get(cookies.name(settings(), cookies.LANGUAGE)))


def _back(address: str) -> str:
    """The page of ours that this address leads to; the first one if it leads to none."""
    try:
        came_from = urlsplit(address)
        if came_from.netloc != request.host:
            return "/"
        current_app.url_map.bind("localhost").match(came_from.path, method="GET")
    except (ValueError, HTTPException, RequestRedirect):
        # What was shown in answer to a form alone cannot be asked for.
        return "/"
    # The routes know "//join" as well; to a browser that is a host.
    return urlunsplit(("", "", f"/{came_from.path.lstrip('/')}", came_from.query, ""))


def init_app(app: Flask) -> None:
    """Speak the language of each request: in templates, in forms and in what Flask-Admin says itself."""
    spoken.ask(of_request)
    # WTForms' and Flask-Admin's own texts ask Flask-Babel. Ours are known to mails and jobs, too.
    Babel(app, configure_jinja=False, locale_selector=spoken.language)
    app.register_blueprint(bp)
    speak_in(app.jinja_env)
    app.jinja_env.globals.update(
        language=spoken.language, languages=offered, texts_of_scripts=texts_of_scripts
    )

    @app.after_request
    def _vary(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.vary.update(("Accept-Language", "Cookie"))
        return response
