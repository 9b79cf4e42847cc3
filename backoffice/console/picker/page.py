"""The one door behind every picker: what can be picked by the beginning of a name, for scripts."""

from typing import Any

from flask import jsonify, request
from flask_admin import expose
from werkzeug.wrappers import Response

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.console.grid import searched
from backoffice.console.guard import GuardedView
from backoffice.console.picker.asking import look, too_often
from backoffice.language.texts import lazy
from backoffice.problems import Throttled
from backoffice.schools.models import School
from backoffice.schools.picking import may_pick
from backoffice.web.errors import to_be_waited_for
from backoffice.web.identity import reading


class PickPage(GuardedView):
    """Names begin in a form, never in an address; what is answered is scoped by the relation's permission."""

    title = lazy("Pick")
    address = "pick"
    doors = {"pick": CONSOLE_ENTER}

    @classmethod
    def placed(cls, plugin: Any = None) -> GuardedView:
        """At its address, which shows nothing by itself."""
        cls._default_view = "pick"
        return super().placed(plugin)

    def is_visible(self) -> bool:
        """Not in the menu: it is no page."""
        return False

    @expose("/", methods=("POST",))
    def pick(self) -> Response:
        """Up to so many, and in words how many there are. Raises `NotFound`."""
        tx, relation = reading(), request.form.get("relation", "")
        if not may_pick(tx, relation):
            raise NotFound
        within = request.form.get("within")
        school = find(tx, School, within) if within else None
        try:
            found = look(tx, relation, searched(), within=school.id if school else None)
        except Throttled as throttled:
            return to_be_waited_for(jsonify(options=[], said=too_often(throttled)), throttled)
        options = [{"value": each.public_id, "name": each.name, "hint": each.hint} for each in found.shown]
        return jsonify(options=options, said=found.said)
