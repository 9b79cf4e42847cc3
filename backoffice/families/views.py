"""The parent's page."""

from flask import Blueprint, render_template
from flask_login import login_required

from backoffice.access.permissions import CHILDREN_READ
from backoffice.access.policy import require
from backoffice.accounts.views import principal
from backoffice.families import queries
from backoffice.web.identity import reading

bp = Blueprint("families", __name__, template_folder="templates")


@bp.get("/family")
@login_required
def family() -> str:
    """The signed-in parent's children. A 404 for anybody who has none here."""
    who = principal()
    require(who, CHILDREN_READ)
    return render_template(
        "families/family.html",
        person=who,
        children=[
            {
                "name": child.name,
                "classroom_name": child.classroom_name,
                "points": child.points,
                "entries": [
                    {"label": award.label, "value": award.value, "when": award.at} for award in child.awards
                ],
            }
            for child in queries.children(reading())
        ],
    )
