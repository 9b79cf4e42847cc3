"""Pages of plugins that are switched off say so, to people in a sentence and to machines by 404."""

from collections.abc import Iterable

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect

from backoffice.plugin import Plugin
from backoffice.problems import SwitchedOff
from backoffice.web import requests
from backoffice.web.identity import reading


def init_app(app: Flask, plugins: Iterable[Plugin], csrf: CSRFProtect) -> None:
    """Register the plugins' pages outside the console, those that go with the toggle behind it."""
    toggled: dict[str, Plugin] = {}
    for plugin in plugins:
        for blueprint in (*plugin.standing_blueprints, *plugin.blueprints):
            app.register_blueprint(blueprint)
        for blueprint, most in plugin.machines.items():
            app.register_blueprint(blueprint)
            csrf.exempt(blueprint)
            requests.allow_json(app, blueprint, size=most)
        toggled |= {blueprint.name: plugin for blueprint in plugin.blueprints}

    @app.before_request
    def _switched_off() -> None:
        # A blueprint and those that it is nested in.
        for plugin in filter(None, map(toggled.get, request.blueprints)):
            if not reading().enabled(plugin.name):
                raise SwitchedOff(plugin.title)
