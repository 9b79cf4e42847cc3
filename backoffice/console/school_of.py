"""Asking of which school a page is, where somebody runs several: a few stand there, one of many is picked."""

from collections.abc import Mapping

from flask import redirect, request
from werkzeug.wrappers import Response
from wtforms.validators import DataRequired

from backoffice.access.lookup import NotFound, find
from backoffice.console.grids.relations import MOST_SCHOOLS
from backoffice.console.guard import GuardedView
from backoffice.console.picker.fields import PickField, PickingForm
from backoffice.language.texts import gettext, lazy
from backoffice.schools import picking
from backoffice.schools.models import School
from backoffice.storage.public_id import is_public_id
from backoffice.web.identity import reading


class SchoolOfForm(PickingForm):
    """Of which school a page is to be. Not by the name that the page's own form has for it."""

    of = PickField(
        lazy("Of which school?"), [DataRequired(lazy("Choose a school."))], relation="school-with-days"
    )

    def __init__(self, relation: str) -> None:
        super().__init__()
        self.of.relation = relation


def school_of(relation: str) -> School | None:
    """The school that the request names, or the only one of the relation; None where one is asked for.

    Raises `NotFound`.
    """
    tx, chosen = reading(), request.values.get("school")
    if not chosen and (only := picking.few(tx, relation, most=1)):
        chosen = only[0].public_id
    if not chosen:
        return None
    if not is_public_id(chosen):
        raise NotFound
    return find(tx, School, chosen, permission=picking.RELATIONS[relation].permission)


def ask_of_which(
    view: GuardedView, relation: str, *, nobodys: Mapping[str, str]
) -> str | Response | tuple[str, int]:
    """The page that asks, or the way to the one of the school that was picked.

    `nobodys` has the `title` and the `sentence` for whoever runs none.
    """
    tx, form = reading(), SchoolOfForm(relation)
    few = picking.few(tx, relation, most=MOST_SCHOOLS)
    if few is not None:
        del form.of
        # Nothing is asked for; a token that is too old is said all the same.
        form.validate_on_submit()
    else:
        form.of.fill(tx, gettext("Choose a school"))
        if form.validate_on_submit():
            return redirect(f"{request.path}?school={form.of.chosen}", 303)
    page = view.render("console/school_of.html", heading=view.title, form=form, schools=few, nobodys=nobodys)
    return (page, 422) if form.errors else page
