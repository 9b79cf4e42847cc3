"""Pages of one class besides its students: they lie below the class's own address, in one row of tabs."""

from typing import Any, ClassVar

from flask import current_app, request

from backoffice.access.permissions import CLASSROOMS_EDIT
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.console.class_state import mark_of
from backoffice.console.guard import GuardedView
from backoffice.language.texts import gettext, lazy
from backoffice.plugin import Plugin
from backoffice.schools.models import Classroom

CRUMB = {"title": lazy("Classes"), "url": "/console/classrooms/"}


class ClassPage(GuardedView):
    """A page at `/console/classrooms/<classroom>/<tail>`, and what is done on it.

    `title` is the word on its tab. The method named `page` shows it, and its door says for whom the tab is.
    """

    abstract = True
    address = "classrooms"
    tail: ClassVar[str] = ""
    page: ClassVar[str] = "page"

    @classmethod
    def placed(cls, plugin: Plugin | None = None) -> "GuardedView":
        """The view below the classes' address, with an endpoint of its own."""
        # Flask-Admin wants a page for the bare address of each view; the list of classes is there already.
        cls._default_view = cls.page
        view = cls(name=cls.title, endpoint=f"console_class_{cls.tail}", url=cls.address)
        view.plugin = plugin
        return view

    def is_visible(self) -> bool:
        """Not in the menu: it is reached from its class."""
        return False

    def changed(self, row: Classroom) -> Classroom | None:
        """The class as the record of a page on which it is changed, for whoever may change it."""
        return row if can(self.who, CLASSROOMS_EDIT, row) else None

    def class_page(self, template: str, row: Classroom, **context: Any) -> str:
        """The page of a class within the console's frame, with the way back and the tabs."""
        own = f"/console/classrooms/{row.public_id}"
        return self.render(
            template,
            **{
                "classroom": {"name": row.name, "public_id": row.public_id, "url": own},
                "class_mark": mark_of(row),
                "tabs": tabs(self.who, row),
                "crumbs": [CRUMB, {"title": row.name, "url": own}, {"title": self.title}],
                **context,
            },
        )


def tabs(who: Principal, row: Classroom) -> list[dict[str, Any]]:
    """The tabs of a class that somebody may open: its students first, the others in the order of the site."""
    own = f"/console/classrooms/{row.public_id}"
    others = [
        {
            "title": view.title,
            "url": f"{own}/{view.tail}",
            "current": request.blueprint == view.endpoint,
        }
        for view in current_app.extensions["admin"][0]._views  # noqa: SLF001 - it has no public list
        if isinstance(view, ClassPage) and can(who, view.doors[view.page], row) and view.switched_on
    ]
    if not others:
        return []
    here = not any(other["current"] for other in others)
    return [{"title": gettext("Students"), "url": own, "current": here}, *others]
