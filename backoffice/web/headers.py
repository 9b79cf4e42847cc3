"""Headers of every response: content security policy, isolation, no caching of what is personal."""

import secrets

from flask import Flask, Response, g, request, session

from backoffice.settings import Settings
from backoffice.web import assets

# 'self' beside the nonce: a module's imports carry no nonce, and this origin serves no script that a
# visitor could have written.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " manifest-src 'self'; report-uri /csp-reports"
)
DIRECTIVES = tuple(directive.split()[0] for directive in POLICY.split(";"))
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
HSTS_SECONDS = 2 * 365 * 24 * 3600
# A file, a part of one, or that it has not changed.
KEPT = frozenset({200, 206, 304})


def csp_nonce() -> str:
    """The nonce of this response's scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def only(policy: str) -> None:
    """Answer this request under a stricter policy than all other pages."""
    g.stricter_policy = policy


def init_app(app: Flask, settings: Settings) -> None:
    """Set the headers on every response."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.after_request
    def _harden(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = g.get("stricter_policy") or POLICY.format(nonce=csp_nonce())
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = ", ".join(f"{feature}=()" for feature in FEATURES)
        if settings.secure:
            headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}; includeSubDomains"
        if _may_be_kept(response):
            seconds = assets.kept_seconds()
            never_changes = ", immutable" if seconds == assets.KEPT_SECONDS else ""
            headers["Cache-Control"] = f"public, max-age={seconds}{never_changes}"
        else:
            headers["Cache-Control"] = "no-store"
        return response


def _may_be_kept(response: Response) -> bool:
    # A page that says that there is no such file is somebody's: it shows their messages and sets a cookie.
    is_file = assets.is_files(request.endpoint) and response.status_code in KEPT
    return is_file and not session.modified and "Set-Cookie" not in response.headers
