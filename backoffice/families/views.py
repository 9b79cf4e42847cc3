"""The parent's pages: the own children, who opened their records, and leaving."""

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.permissions import CHILDREN_READ
from backoffice.access.policy import require
from backoffice.accounts.views import principal
from backoffice.families import queries
from backoffice.families.models import ViewerRole
from backoffice.families.requests import queries as request_queries
from backoffice.families.services import links
from backoffice.language.texts import gettext, lazy
from backoffice.messages import showing
from backoffice.messages.queries import AT_A_GLANCE
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.offered import Where, offered

# As what somebody of the school opened a record, in a parent's words.
ROLES = {
    ViewerRole.TEACHER: lazy("teacher"),
    ViewerRole.HELPER: lazy("helper"),
    ViewerRole.LEADER: lazy("leader"),
}
bp = Blueprint("families", __name__, template_folder="templates")


@bp.get("/family")
@login_required
def family() -> str:
    """The signed-in parent's children. A 404 for anybody who has none here."""
    who = principal()
    require(who, CHILDREN_READ)
    tx = reading()
    return render_template(
        "families/family.html",
        person=who,
        children=queries.children(tx),
        between=queries.between_classes(tx),
        messages=showing.listed(tx, most=AT_A_GLANCE),
    )


@bp.get("/family/<student:public_id>")
@login_required
def child(public_id: str) -> str:
    """One own child: the points, and who of the school opened the record."""
    who, tx = principal(), reading()
    require(who, CHILDREN_READ)
    return render_template(
        "families/child.html",
        person=who,
        name=queries.given_name(tx, public_id),
        public_id=public_id,
        classes=queries.children(tx, public_id),
        openings=queries.openings(tx, public_id, ZoneInfo(who.time_zone)),
        roles=ROLES,
        requests=request_queries.own(tx, public_id),
        is_answered=request_queries.is_answered(tx, public_id),
        report_address=settings().report_address,
        leave_form=FlaskForm(),
        offered=offered(tx, Where.CHILD, public_id=public_id),
    )


@bp.post("/family/<student:public_id>/leave")
@login_required
def leave(public_id: str) -> Response:
    """End the own link to a child."""
    who = principal()
    require(who, CHILDREN_READ)
    done_reading()
    links.leave(principal=who, student=public_id)
    flash(gettext("The link has ended. The child is not shown to you any more."), "success")
    return redirect("/welcome", 303)
