"""The browser's own session: a cookie that ties forms to it, and the token of its forms.

Flask and Flask-WTF make both. What holds from page to page is not found out for each: a browser brings the
same cookie each time, so that once a minute is looked whether it is one of ours; and as a token holds for as
long as the session does, what was signed for one page stands in the next.
"""

from functools import lru_cache

from flask import Flask, Request, current_app, g, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadSignature, URLSafeTimedSerializer

from backoffice import clock

# Of so many browsers a process knows it, and for how many seconds a cookie is not looked at again.
MOST, UNASKED = 1_000, 60
# What Flask-WTF calls a token, in the session and in `g`.
_TOKEN = "csrf_token"  # noqa: S105 - its name
_SIGNED = "signed form tokens"


class BrowserSessions(SecureCookieSessionInterface):
    """Flask's own sessions of one application, with what they need of it made once."""

    def __init__(self, app: Flask) -> None:
        made = super().get_signing_serializer(app)
        assert made is not None  # an application here has a secret
        self._signer, self._longest = made, int(app.permanent_session_lifetime.total_seconds())
        self._known = lru_cache(MOST)(self._read)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:
        """What signs the cookie."""
        del app
        return self._signer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """The session that the request brings; an empty one in the place of one that is not ours, or old."""
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        try:
            # As a text, so that what is changed in a list of it is changed for this request alone.
            known = self._known(cookie, clock.now().timestamp() // UNASKED)
            return self.session_class(self.serializer.loads(known))
        except BadSignature:
            return self.session_class()

    def _read(self, cookie: str, _minute: float) -> str:
        return self.serializer.dumps(self._signer.loads(cookie, max_age=self._longest))


def form_token() -> str:
    """The token of this browser's forms, as the library checks it."""
    made: str | None = g.get(_TOKEN)
    if made is None:
        known: dict[str, str] = current_app.extensions.setdefault(_SIGNED, {})
        made = known.get(session.get(_TOKEN, ""))
        if made is None:
            made = str(generate_csrf())
            if len(known) >= MOST:
                known.clear()
            known[session[_TOKEN]] = made
        # Where the library itself looks before it signs another one.
        setattr(g, _TOKEN, made)
    return made


def init_app(app: Flask) -> None:
    """Once the application has its secret, and the library that protects its forms."""
    app.session_interface = BrowserSessions(app)
    app.context_processor(lambda: {_TOKEN: form_token})
    app.jinja_env.globals[_TOKEN] = form_token
