"""Putting the web application together, in one place and in order."""

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import backoffice.accounts.account_views
import backoffice.accounts.address_views
import backoffice.accounts.care.views
import backoffice.accounts.deactivation_views
import backoffice.accounts.factor_views
import backoffice.accounts.language_views
import backoffice.accounts.passkeys.views
import backoffice.accounts.providers.views
import backoffice.accounts.reset_views
import backoffice.accounts.sign_up_views
import backoffice.accounts.views
import backoffice.families.joining_views
import backoffice.families.requests.views
import backoffice.families.views
import backoffice.messages.views
import backoffice.outbox.views
import backoffice.privacy.erasure.views
import backoffice.privacy.retention.views
import backoffice.privacy.views
import backoffice.reports.views
import backoffice.staff.views
import backoffice.students.cards.views
import backoffice.students.pins.views
import backoffice.students.tablet_views
import backoffice.students.usernames.views
import backoffice.students.views
import backoffice.students.worries.views
from backoffice.console import site
from backoffice.runtime import Runtime, check_database, open_runtime
from backoffice.settings import Settings
from backoffice.storage import keyring
from backoffice.web import (
    assets,
    browser_sessions,
    converters,
    cookies,
    errors,
    headers,
    hosts,
    identity,
    language,
    logs,
    pages,
    requests,
    times,
    toggles,
)
from backoffice.web.hosts import HostedFlask
from backoffice.web.imports import ImportedOnce
from backoffice.web.kept_parts import KeptParts

LARGEST_FORM = 512 * 1024


class NotSetUp(Exception):
    """The installation has no database yet; says what to do."""


def create_app(settings: Settings) -> Flask:
    """The application over the database that the settings name.

    Refuses to start on a wrong or missing keyring, schema, policy or plugin. Raises `NotSetUp`,
    `KeyringError`, `SchemaError`, `PolicyError`, `PluginError`, `RoleError`.
    """
    if settings.database_url is None:
        raise NotSetUp(
            "No database is named. Set BACKOFFICE_DATABASE_URL, or start the embedded one with:"
            " backoffice serve"
        )
    runtime = open_runtime(settings, settings.database_url.get_secret_value())
    check_database(runtime)
    # Worker processes are forked after this; none may share a connection with another.
    runtime.database.dispose()
    return build(runtime)


def build(runtime: Runtime) -> Flask:
    """The application over an open runtime, without a look at the database."""
    settings = runtime.settings
    app = HostedFlask(__name__, static_folder="web/static", template_folder="web/templates")
    app.extensions["backoffice"] = runtime
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value()
        if settings.secret_key
        else keyring.current().derive("flask"),
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        # A form lives as long as the browser's session: a teacher who was called away loses nothing.
        WTF_CSRF_TIME_LIMIT=None,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.template_class = ImportedOnce
    app.jinja_env.add_extension(KeptParts)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    logs.init_app(app, settings)
    headers.init_app(app, settings)
    assets.init_app(app)
    hosts.init_app(app, settings)
    cookies.init_app(app, settings)
    converters.init_app(app)
    identity.init_app(app)
    errors.init_app(app)
    requests.init_app(app)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    pages.init_csrf(csrf)
    browser_sessions.init_app(app)
    pages.init_app(app)
    times.init_app(app)
    language.init_app(app)
    for blueprint in (
        pages.bp,
        backoffice.accounts.views.bp,
        backoffice.accounts.providers.views.bp,
        backoffice.students.views.bp,
        backoffice.students.tablet_views.bp,
        backoffice.families.views.bp,
        backoffice.staff.views.bp,
        backoffice.reports.views.bp,
        backoffice.messages.views.bp,
        backoffice.privacy.erasure.views.bp,
        backoffice.privacy.views.bp,
        backoffice.privacy.retention.views.bp,
    ):
        app.register_blueprint(blueprint)
    backoffice.accounts.views.init_app(app)
    backoffice.reports.views.init_app(app)
    backoffice.accounts.factor_views.init_app(app)
    backoffice.accounts.providers.views.init_app(app)
    backoffice.outbox.views.init_app(app, settings)
    site.init_app(app, runtime.plugins)
    toggles.init_app(app, runtime.plugins, csrf)
    return app
