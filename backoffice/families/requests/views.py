"""The page where a parent asks that something about the child is corrected or deleted."""

from flask import flash, redirect, render_template, request
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import InputRequired, Length

from backoffice.access.permissions import CHILDREN_READ
from backoffice.access.policy import require
from backoffice.accounts.views import principal
from backoffice.families import queries
from backoffice.families.requests import queries as request_queries
from backoffice.families.requests import services
from backoffice.families.requests.models import RequestKind
from backoffice.families.views import bp
from backoffice.language import moments
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.rejections import show_rejection


class AskForm(FlaskForm):
    """What a parent asks for."""

    kind = RadioField(
        lazy("What do you ask for?"),
        [InputRequired(lazy("Choose what you ask for."))],
        choices=[
            SelectChoice(RequestKind.CORRECT, lazy("Something is wrong. Please correct it.")),
            SelectChoice(RequestKind.DELETE, lazy("Please delete what you keep of my child.")),
        ],
    )
    note = TextAreaField(
        lazy("In your words"),
        [Length(max=services.LONGEST_NOTE)],
        description=lazy("What is wrong, and how it should be. To delete, you may leave it empty."),
    )


@bp.route("/family/<student:public_id>/ask", methods=("GET", "POST"))
@login_required
def ask(public_id: str) -> str | Response | tuple[str, int]:
    """Ask the school about what it keeps of the own child."""
    who, tx = principal(), reading()
    require(who, CHILDREN_READ)
    name = queries.given_name(tx, public_id)
    wanted = request.args.get("kind")
    form = AskForm(kind=wanted if wanted in set(RequestKind) else None)
    problem = None
    answered = request_queries.is_answered(tx, public_id)
    if form.validate_on_submit():
        done_reading()
        try:
            due = services.ask(
                principal=who,
                student=public_id,
                kind=form.kind.data,
                note=form.note.data or "",
                throttles=settings().throttles,
            )
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
        except Throttled as throttled:
            problem = gettext("You have asked often. %(wait)s", wait=throttled.sentence)
        else:
            flash(gettext("The school has it, and answers by %(day)s.", day=moments.long_day(due)), "success")
            return redirect(f"/family/{public_id}", 303)
    page = render_template(
        "families/ask.html",
        person=who,
        name=name,
        public_id=public_id,
        form=form,
        problem=problem,
        is_answered=answered,
        report_address=settings().report_address,
    )
    return (page, 422) if form.errors or problem else page
