"""The pages on which a class's Actions are made, changed and retired."""

from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.lookup import find, reread
from backoffice.access.permissions import ACTIONS_EDIT
from backoffice.access.seen import version
from backoffice.console.class_page import ClassPage
from backoffice.console.listed import listed
from backoffice.console.overtaken import not_over_others
from backoffice.console.points_forms import ActionForm, EditActionForm
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools import points_queries
from backoffice.schools.models import Action, Classroom
from backoffice.schools.services import actions as services
from backoffice.schools.services.actions import SUGGESTED
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed


class ActionPages(ClassPage):
    """Part of the pages about points."""

    abstract = True

    def points_page(self, template: str, row: Classroom, **context: Any) -> str:
        """A page about the points of a class."""
        raise NotImplementedError

    @expose("/<classroom:public_id>/points/actions", methods=("GET", "POST"))
    @shows_what_was_typed
    def actions(self, public_id: str) -> str | Response | tuple[str, int]:
        """The Actions of a class, and a new one."""
        row = find(reading(), Classroom, public_id, permission=ACTIONS_EDIT)
        form, problem = ActionForm(), None
        if form.validate_on_submit():
            done_reading()
            try:
                services.add_action(
                    principal=self.who,
                    classroom=public_id,
                    label=form.label.data or "",
                    icon=form.icon.data,
                    value=form.value,
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("The Action is ready."), "success")
                return redirect(f"/console/classrooms/{public_id}/points/actions", 303)
        tx = reading()
        page = self.points_page(
            "console/points/actions.html",
            row,
            form=form,
            problem=problem,
            plain_form=FlaskForm(formdata=None),
            actions=points_queries.actions_of(tx, row),
            retired=points_queries.actions_of(tx, row, retired=True),
            suggested=SUGGESTED,
        )
        return (page, 422) if form.errors or problem else page

    @expose("/<classroom:public_id>/points/actions/start", methods=("POST",))
    def start(self, public_id: str) -> Response:
        """Begin with Actions that are suggested."""
        done_reading()
        try:
            count = services.start_with(
                principal=self.who, classroom=public_id, keys=request.form.getlist("key")
            )
        except Rejected as rejected:
            flash(str(rejected), "warning")
        else:
            flash(
                gettext("Choose students, then an Action.")
                if count
                else gettext("The class has Actions already."),
                "info",
            )
        return redirect(f"/console/classrooms/{public_id}/points", 303)

    @expose("/actions/<action:public_id>", methods=("GET", "POST"))
    @shows_what_was_typed
    def edit_action(self, public_id: str) -> str | Response | tuple[str, int]:
        """Change an Action."""
        action, row = services.action_to_change(reading(), public_id)
        form, problem = EditActionForm(), None
        if not form.is_submitted():
            form = EditActionForm(
                formdata=None,
                seen=version(action.label, action.icon, action.value),
                label=action.label,
                points=abs(action.value),
                takes=action.value < 0,
                icon=action.icon or next(iter(services.ICONS)),
            )

        def now() -> tuple[str, str]:
            there = reread(reading(), Action, public_id, ACTIONS_EDIT)
            value = f"{there.value:+d}".replace("-", "\N{MINUS SIGN}")
            words = (there.label, value, services.ICONS.get(there.icon or ""))
            return listed(filter(None, words)), version(there.label, there.icon, there.value)

        if form.validate_on_submit():
            done_reading()
            try:
                with not_over_others(form.seen, now):
                    services.change_action(
                        principal=self.who,
                        action=public_id,
                        label=form.label.data or "",
                        icon=form.icon.data,
                        value=form.value,
                        seen=form.seen.data or None,
                    )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("Saved. What was awarded before stays as it was."), "success")
                return redirect(f"/console/classrooms/{row.public_id}/points/actions", 303)
        page = self.points_page(
            "console/points/action.html",
            row,
            form=form,
            problem=problem,
            plain_form=FlaskForm(formdata=None),
            action=action,
            record=action,
            crumb=gettext("An Action"),
        )
        return (page, 422) if form.errors or problem else page

    @expose("/actions/<action:public_id>/retire", methods=("POST",))
    def retire(self, public_id: str) -> Response:
        """Stop offering an Action."""
        row = self._class_of(public_id)
        done_reading()
        services.retire_action(principal=self.who, action=public_id)
        flash(gettext("The Action is retired. What was awarded for it stays."), "success")
        return redirect(f"/console/classrooms/{row.public_id}/points/actions", 303)

    @expose("/actions/<action:public_id>/bring-back", methods=("POST",))
    def bring_back(self, public_id: str) -> Response:
        """Offer a retired Action again."""
        row = self._class_of(public_id)
        done_reading()
        try:
            services.bring_back_action(principal=self.who, action=public_id)
        except Rejected as rejected:
            flash(str(rejected), "warning")
        else:
            flash(gettext("The Action is offered again."), "success")
        return redirect(f"/console/classrooms/{row.public_id}/points/actions", 303)

    def _class_of(self, action: str) -> Classroom:
        tx = reading()
        return points_queries.classroom_of(tx, find(tx, Action, action, permission=ACTIONS_EDIT))
