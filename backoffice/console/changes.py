"""Putting one change of a record back: what it is now, what it would become, a deliberate click."""

from collections.abc import Mapping
from typing import ClassVar

from flask import flash, redirect
from flask_admin import expose
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.validators import InputRequired

from backoffice.access.permissions import (
    ACTIONS_EDIT,
    CLASSROOMS_EDIT,
    JOBS_EDIT,
    PLUGINS_EDIT,
    SCHOOL_DAYS_EDIT,
    STUDENTS_EDIT,
    Permission,
)
from backoffice.changes import queries, services
from backoffice.changes.keeping import ALREADY, version
from backoffice.changes.models import (
    ActionChange,
    Change,
    ClassroomChange,
    JobChange,
    PluginChange,
    SchoolChange,
    StudentChange,
)
from backoffice.console.forms import ConfirmForm
from backoffice.console.guard import GuardedView
from backoffice.console.last_changes import NOBODY, called, edit_url, in_words, title_of
from backoffice.language.texts import gettext, lazy
from backoffice.plugin import Plugin
from backoffice.problems import Rejected
from backoffice.web.identity import reading, runtime
from backoffice.web.times import ago

Answer = str | Response | tuple[str, int]


class PutBackForm(ConfirmForm):
    """A click, and which value it replaces."""

    seen = HiddenField(validators=[InputRequired()])


class ChangesPage(GuardedView):
    """A question for each kind of record, each behind the permission to change one."""

    doors: ClassVar[Mapping[str, Permission]] = {
        "student": STUDENTS_EDIT,
        "classroom": CLASSROOMS_EDIT,
        "action": ACTIONS_EDIT,
        "school": SCHOOL_DAYS_EDIT,
        "plugin_settings": PLUGINS_EDIT,
        "job": JOBS_EDIT,
    }
    fresh = frozenset({"plugin_settings"})
    title = lazy("Put back")
    address = "changes"

    @classmethod
    def placed(cls, plugin: Plugin | None = None) -> GuardedView:
        """The view at its address, which has no page of its own."""
        cls._default_view = "student"
        return super().placed(plugin)

    def is_visible(self) -> bool:
        """Not in the menu: it is reached from a form."""
        return False

    @expose("/student/<student_change:public_id>", methods=("GET", "POST"))
    def student(self, public_id: str) -> Answer:
        """Put a change of a student back."""
        return self._ask(StudentChange, public_id)

    @expose("/classroom/<classroom_change:public_id>", methods=("GET", "POST"))
    def classroom(self, public_id: str) -> Answer:
        """Put a change of a class back."""
        return self._ask(ClassroomChange, public_id)

    @expose("/action/<action_change:public_id>", methods=("GET", "POST"))
    def action(self, public_id: str) -> Answer:
        """Put a change of an Action back."""
        return self._ask(ActionChange, public_id)

    @expose("/school/<school_change:public_id>", methods=("GET", "POST"))
    def school(self, public_id: str) -> Answer:
        """Put a change of a school back."""
        return self._ask(SchoolChange, public_id)

    @expose("/plugin/<plugin_change:public_id>", methods=("GET", "POST"))
    def plugin_settings(self, public_id: str) -> Answer:
        """Put a change of how a plugin is set back."""
        return self._ask(PluginChange, public_id)

    @expose("/job/<job_change:public_id>", methods=("GET", "POST"))
    def job(self, public_id: str) -> Answer:
        """Put a change of when a job runs back."""
        return self._ask(JobChange, public_id)

    def _ask(self, model: type[Change], public_id: str) -> Answer:
        tx = reading()
        try:
            found, _field = services.found_change(tx, model, public_id, installed=runtime().plugins)
        except Rejected as gone:
            flash(str(gone), "warning")
            return redirect("/console/", 303)
        row, field, own_page = found.row, found.change.field, edit_url(found.row, found.change.field)
        now, before = in_words(row, field, found.now), in_words(row, field, found.before)
        by = queries.people_of(tx, [found.change]).get(found.change.by or 0, NOBODY)
        form = PutBackForm(confirm="yes", seen=version(found.now))
        if not form.is_submitted() and version(found.now) == version(found.before):
            flash(ALREADY, "info")
            return redirect(own_page, 303)

        def save() -> str:
            try:
                services.put_back(
                    principal=self.who,
                    model=model,
                    change=public_id,
                    seen=form.seen.data or "",
                    installed=runtime().plugins,
                )
            except Rejected:
                # The page that says so shows what it is now; pressing again is about that.
                form.seen.data = version(found.now)
                raise
            return own_page

        return self.form_page(
            form,
            save=save,
            said=gettext("It is put back."),
            template="console/confirm.html",
            heading=gettext("Put this change back?"),
            sentences=[
                f"{called(row)}: {title_of(row, field)}",
                gettext("Now: %(now)s", now=now),
                gettext("Put back: %(before)s", before=before),
                gettext("%(by)s changed it %(ago)s.", by=by, ago=ago(found.change.at)),
            ],
            submit_title=gettext("Put back"),
            cancel_url=own_page,
            crumbs=[{"title": called(row), "url": own_page}, {"title": gettext("Put back")}],
        )
