"""The views of lists: saving one, and what is done with it afterwards."""

from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, Length, Optional

from backoffice.access.lookup import NotFound
from backoffice.access.permissions import VIEWS_SAVE, VIEWS_SHARE
from backoffice.access.policy import can
from backoffice.access.seen import version
from backoffice.console.command import Command
from backoffice.console.forms import ConfirmForm
from backoffice.console.grids import views
from backoffice.console.guard import GuardedView
from backoffice.console.overtaken import not_over_others
from backoffice.console.picker.asking import is_looking
from backoffice.console.picker.fields import PickField, PickingForm
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Overtaken, Rejected
from backoffice.saved_views import queries, services
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.saved_views.services import LONGEST_NAME
from backoffice.schools.queries import school_names, school_public_id
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

HERE = "/console/views/"
CRUMB = {"title": lazy("Views"), "url": HERE}
NAMELESS = lazy("Give the view a name.")
WHO_SEES = {
    SharedWith.NOBODY: lazy("Only you"),
    SharedWith.LEADERS: lazy("Leaders of the school"),
    SharedWith.TEACHERS: lazy("Teachers of the school"),
    SharedWith.SCHOOL: lazy("Everybody at the school"),
}


class SaveForm(FlaskForm):
    """A list as it is shown, under a name."""

    name = StringField(lazy("Name of the view"), [DataRequired(NAMELESS), Length(max=LONGEST_NAME)])
    grid = HiddenField()
    state = HiddenField()


class ViewForm(FlaskForm):
    """What a view is called, and where it shows. `seen` is the `version` of what was shown."""

    seen = HiddenField()
    name = StringField(lazy("Name"), [DataRequired(NAMELESS), Length(max=LONGEST_NAME)])
    opens = BooleanField(lazy("Open the list with this view"))
    pinned = BooleanField(lazy("Show its number on the start page"))


class ShareForm(PickingForm):
    """Who sees a view, and in which school."""

    shared_with = SelectField(
        lazy("Who sees it"),
        choices=[SelectChoice(who.value, words) for who, words in WHO_SEES.items()],
        description=lazy("Each sees the rows that they may see anyway."),
    )
    school = PickField(lazy("School"), [Optional()], relation="school-to-share-in")


class ViewsPage(GuardedView):
    """All views that somebody sees, and the page of each."""

    doors = {
        "index": VIEWS_SAVE,
        "save": VIEWS_SAVE,
        "view": VIEWS_SAVE,
        "keep": VIEWS_SAVE,
        "share": VIEWS_SHARE,
        "delete": VIEWS_SAVE,
    }
    title = lazy("Views")
    address = "views"
    icon = "clipboard"
    commands = (
        Command(lazy("Change your views"), "view", "views/", page="index", also=lazy("share delete")),
    )

    def is_visible(self) -> bool:
        """Not in the menu: it is reached from the lists."""
        return False

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The views by list."""
        tx, grids = reading(), views.grids()
        there = [each for each in queries.views_of(tx) if each.grid in grids]
        schools = school_names(tx, {each.school_id for each in there if each.school_id})
        several = len(schools) > 1
        return self.render(
            "console/views.html",
            lists=[
                {
                    "title": grid.title,
                    "url": f"{grid.url}/?{views.VIEW}={views.ALL}",
                    "views": [
                        {
                            "name": each.name,
                            "url": f"{grid.url}/?{views.VIEW}={each.public_id}",
                            "who": WHO_SEES[SharedWith(each.shared_with)]
                            + (f", {schools.get(each.school_id)}" if several and each.school_id else ""),
                            "opens": each.is_default,
                            "pinned": each.pinned,
                            "change_url": f"{HERE}{each.public_id}"
                            if queries.may_change(each, tx.principal)
                            else None,
                        }
                        for each in there
                        if each.grid == address
                    ],
                }
                for address, grid in grids.items()
                if any(each.grid == address for each in there)
            ],
            by_school=queries.has_many_schools(tx.principal),
        )

    @expose("/save", methods=("POST",))
    @shows_what_was_typed
    def save(self) -> str | Response | tuple[str, int]:
        """Save a list as it is shown."""
        tx, form = reading(), SaveForm()
        grid = views.grids().get(form.grid.data or "")
        if grid is None:
            raise NotFound
        found = views.fitting(grid, tx, views.parsed(form.state.data or ""))
        if found.left_out:
            raise NotFound

        def save() -> str:
            made = services.save_view(
                principal=self.who,
                grid=grid.address,
                name=form.name.data or "",
                state=views.written(found.pairs),
            )
            return f"{grid.url}/?{views.VIEW}={made}"

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved. You find it above the list."),
            heading=gettext("Save this view"),
            intro=gettext(
                "It keeps the filters, columns and order of %(title)s, never words looked for.",
                title=grid.title,
            ),
            submit_title=gettext("Save the view"),
            cancel_url=f"{grid.url}/",
            crumbs=[CRUMB, {"title": gettext("Save")}],
        )

    @expose("/<saved_view:public_id>", methods=("GET", "POST"))
    @shows_what_was_typed
    def view(self, public_id: str) -> str | Response | tuple[str, int]:
        """One view: its name, where it shows, who sees it."""
        tx = reading()
        row = queries.view_to_change(tx, public_id)
        own = f"{HERE}{public_id}"
        form, problem = _form_of(row), None

        def now() -> tuple[str, str]:
            tx = reading()
            tx.expunge_all()
            there = queries.view_to_change(tx, public_id)
            return there.name, _version(there)

        if form.validate_on_submit():
            done_reading()
            try:
                with not_over_others(form.seen, now):
                    services.change_view(
                        principal=self.who,
                        view=public_id,
                        name=form.name.data or "",
                        opens=form.opens.data,
                        pinned=form.pinned.data,
                        seen=form.seen.data or None,
                    )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("Saved."), "success")
                return redirect(own, 303)
        page = self._shown(row, form, self._share_form(row), problem)
        return (page, 422) if form.errors or problem else page

    def _shown(
        self, row: SavedView, form: ViewForm, share: ShareForm | None, problem: str | None = None
    ) -> str:
        grid, own = views.grids().get(row.grid), f"{HERE}{row.public_id}"
        return self.render(
            "console/view.html",
            form=form,
            problem=problem,
            share=share,
            view={
                "name": row.name,
                "list": grid.title if grid else None,
                "url": f"{grid.url}/?{views.VIEW}={row.public_id}" if grid else HERE,
                "shared": row.school_id is not None,
                "delete_url": f"{own}/delete",
                "share_url": f"{own}/share",
            },
            crumbs=[CRUMB, {"title": row.name}],
        )

    def _share_form(self, row: SavedView | None = None) -> ShareForm | None:
        """The form, for whoever may share; with one school to share in, it is not asked for."""
        if not can(self.who, VIEWS_SHARE):
            return None
        tx = reading()
        at = school_public_id(tx, row.school_id) if row and row.school_id else None
        form = ShareForm(
            formdata=None if row else request.form, shared_with=row.shared_with if row else None, school=at
        )
        form.school.fill(tx, gettext("Choose a school"))
        if only := form.school.only_one(tx):
            form.school.data = only
        return form

    @expose("/<saved_view:public_id>/keep", methods=("POST",))
    def keep(self, public_id: str) -> Response:
        """Have the view ask for what the list asks for now."""
        tx = reading()
        row = queries.view_to_change(tx, public_id)
        grid = views.grids().get(row.grid)
        if grid is None:
            raise NotFound
        found = views.fitting(grid, tx, views.parsed(request.form.get("state", "")))
        if found.left_out:
            raise NotFound
        done_reading()
        try:
            services.keep_state(
                principal=self.who,
                view=public_id,
                state=views.written(found.pairs),
                seen=request.form.get("seen") or None,
            )
        except Overtaken:
            # The list stays as it is asked for; saved again, it is written over what the view is by now.
            flash(
                gettext(
                    "Somebody else has saved this view meanwhile. Go back to it to see what it is now,"
                    " or save again to write yours over it."
                ),
                "warning",
            )
        except Rejected as rejected:
            flash(str(rejected), "warning")
        else:
            flash(gettext("The view is saved as it is now."), "success")
        return redirect(f"{grid.url}/{views.address(row, found.pairs)[2:]}", 303)

    @expose("/<saved_view:public_id>/share", methods=("POST",))
    def share(self, public_id: str) -> str | Response:
        """Say who sees the view."""
        row = queries.view_to_change(reading(), public_id)
        form = self._share_form()
        if is_looking():
            return self._shown(row, _form_of(row, formdata=None), form)
        if form is None or form.shared_with.data not in set(SharedWith):
            raise NotFound
        with_whom, own = SharedWith(form.shared_with.data), f"{HERE}{public_id}"
        if with_whom is not SharedWith.NOBODY and not form.school.data:
            flash(gettext("Choose the school in which it is shared."), "warning")
            return redirect(own, 303)
        done_reading()
        try:
            if with_whom is SharedWith.NOBODY:
                services.unshare_view(principal=self.who, view=public_id)
            else:
                services.share_view(
                    principal=self.who, view=public_id, school=form.school.data, shared_with=with_whom
                )
        except Rejected as rejected:
            flash(str(rejected), "warning")
        else:
            flash(gettext("Who sees it: %(who)s.", who=WHO_SEES[with_whom].lower()), "success")
        return redirect(own, 303)

    @expose("/<saved_view:public_id>/delete", methods=("GET", "POST"))
    def delete(self, public_id: str) -> str | Response:
        """Say what goes; when confirmed, delete the view."""
        row = queries.view_to_change(reading(), public_id)
        if ConfirmForm().validate_on_submit():
            done_reading()
            services.delete_view(principal=self.who, view=public_id)
            flash(gettext("The view is deleted."), "success")
            return redirect(HERE, 303)
        sentences = [gettext("“%(row)s” goes. The rows that it shows stay as they are.", row=row.name)]
        if row.school_id is not None:
            sentences.append(gettext("It is shared: nobody at the school has it any more."))
        return self.render(
            "console/confirm.html",
            heading=gettext("Delete this view"),
            sentences=sentences,
            form=ConfirmForm(formdata=None, confirm="yes"),
            danger=True,
            submit_title=gettext("Delete the view"),
            cancel_url=f"{HERE}{public_id}",
            crumbs=[CRUMB, {"title": row.name, "url": f"{HERE}{public_id}"}, {"title": gettext("Delete")}],
        )


def _version(row: SavedView) -> str:
    return version(row.name, row.is_default, row.pinned)


def _form_of(row: SavedView, **options: Any) -> ViewForm:
    return ViewForm(name=row.name, opens=row.is_default, pinned=row.pinned, seen=_version(row), **options)
