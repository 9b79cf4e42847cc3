"""The base of every page of the console: closed unless a door says who may open it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from flask import current_app, flash, g, redirect, request
from flask_admin import BaseView
from flask_admin.menu import MenuView
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.permissions import CHILDREN_READ, CONSOLE_ENTER, SCHOOLS_READ, Permission
from backoffice.access.policy import Denied, can, held_somewhere, scope
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.accounts.services import proof
from backoffice.accounts.services.sessions import on_shared_computer
from backoffice.accounts.views import SET_UP, principal
from backoffice.console import last_changes
from backoffice.console.command import Command
from backoffice.language.spoken import language, speaking
from backoffice.language.texts import gettext, lazy
from backoffice.messages.showing import unread
from backoffice.plugin import Plugin
from backoffice.problems import Rejected, SwitchedOff
from backoffice.schools.queries import school_names
from backoffice.web import density
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.rejections import show_rejection

SECONDS_A_LOOK, SECONDS_AT_WORK = 15, 4
# Of so many sets of permissions the menu is kept.
MOST_MENUS = 200
# Which words stand below a person's name, the strongest role first.
ROLE_LABELS = (
    ("founder", lazy("Founder")),
    ("led_schools", lazy("School leader")),
    ("officer_schools", lazy("Privacy officer")),
    ("taught_schools", lazy("Teacher")),
    ("children", lazy("Parent")),
)


class MenuPage(NamedTuple):
    """One line of the menu."""

    title: str
    url: str
    icon: str
    current: bool
    # Whether it says how many messages are unread.
    counts: bool


class MenuGroup(NamedTuple):
    """Lines of the menu that belong together."""

    title: str | None
    pages: tuple[MenuPage, ...]


# Pages of the menu with the heading above them, if they have one.
Group = tuple[str | None, Sequence[MenuView]]


class GuardedView(BaseView):
    """A page or a family of pages. `doors` maps each exposed method to the permission that opens it.

    A method without a door answers 404 to everybody. A class without doors cannot be defined.
    """

    abstract = True
    doors: ClassVar[Mapping[str, Permission]] = {}
    # Doors to what reaches far: they open for whoever has just proved to be it. The service asks again.
    fresh: ClassVar[frozenset[str]] = frozenset()
    # What the menu calls it, under which heading, and where it lies below /console/.
    title: ClassVar[str] = ""
    category: ClassVar[str] = ""
    address: ClassVar[str] = ""
    icon: ClassVar[str] = "dot"
    # Whether the menu says beside it how many messages are unread.
    counts_unread: ClassVar[bool] = False
    # Doors that take uploads, and of how many bytes from whom they open for; these are read in memory.
    uploads: ClassVar[Mapping[str, int]] = {}
    # What is done on its pages, for whoever looks for it by name.
    commands: ClassVar[tuple[Command, ...]] = ()
    # The plugin that it belongs to; it goes with the plugin's toggle.
    plugin: Plugin | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__dict__.get("abstract"):
            return
        if not cls.doors:
            raise TypeError(f"{cls.__name__} has no doors: say which permission opens each page.")
        if not (cls.title and cls.address):
            raise TypeError(f"{cls.__name__} has no title or no address.")

    @classmethod
    def placed(cls, plugin: Plugin | None = None) -> "GuardedView":
        """The view at its address, as a page of the core or of a plugin."""
        owner = "console" if plugin is None else f"plugin_{plugin.name}"
        view = cls(
            name=cls.title,
            category=cls.category or None,
            endpoint=f"{owner}_{cls.address}",
            url=cls.address,
        )
        view.plugin = plugin
        return view

    @property
    def who(self) -> Principal:
        """Who is at work."""
        return principal()

    def opens(self, door: str) -> bool:
        """Whether the door opens for who is signed in."""
        return current_user.is_authenticated and self.opens_to(self.who, door)

    def opens_to(self, who: Principal, door: str) -> bool:
        """Whether the door opens for this principal, by the permissions that it holds and by nothing else."""
        permission = self.doors.get(door)
        return permission is not None and can(who, CONSOLE_ENTER) and can(who, permission)

    def offered(self) -> Iterable[Command]:
        """What is done on its pages by who is signed in: of a class, where the class allows it too."""
        return self.open_ones(self.commands)

    def open_ones(self, commands: Iterable[Command]) -> Iterable[Command]:
        """Those of these commands whose doors are open to who is signed in."""
        return (each for each in commands if all(map(self.opens, each.doors)))

    @property
    def switched_on(self) -> bool:
        """Whether the plugin that it belongs to is on; what belongs to the core always is."""
        return self.plugin is None or reading().enabled(self.plugin.name)

    def looks_again(self, tx: Transaction, *, every: int = SECONDS_A_LOOK) -> int | None:
        """After how many seconds a page that shows what goes on may ask again by itself; None for never."""
        return None if on_shared_computer(tx, settings().sessions) else every

    def is_accessible(self) -> bool:
        """Whether it opens for who is signed in, as Flask-Admin asks."""
        return current_user.is_authenticated and self.shown_to(self.who)

    def shown_to(self, who: Principal) -> bool:
        """Whether the menu shows it to this principal."""
        return self.opens_to(who, self._default_view or "index") and self.switched_on

    def render(self, template: str, *, record: Any = None, **context: Any) -> str:
        """The page within the console's frame. Below the form of a record stand the record's last changes."""
        if record is not None:
            context["changes"] = last_changes.shown(reading(), record)
        who = self.who
        frame = {
            "person": _person(who),
            "menu": _menu(who),
            "new_messages": unread(who),
            "compact": density.is_compact(),
            "has_family": can(who, CHILDREN_READ),
            # What a page has to say of itself before all else: that it is played, for one.
            "strip": g.get("strip"),
        }
        return super().render(template, **frame, **context)  # type: ignore[no-any-return]

    def form_page(
        self,
        form: FlaskForm,
        *,
        save: Callable[[], str],
        said: str,
        template: str = "console/form.html",
        **context: Any,
    ) -> str | Response | tuple[str, int]:
        """The page of a form. When it is sent and good, `save` does what it asks and says where to go next.

        What `save` rejects is shown beside its field, with status 422; so is what the form itself finds.
        """
        problem = None
        if form.validate_on_submit():
            done_reading()
            try:
                target = save()
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(said, "success")
                return redirect(target, 303)
        page = self.render(template, form=form, problem=problem, **context)
        return (page, 422) if form.errors or problem else page

    def _handle_view(self, name: str, **_arguments: Any) -> Response | None:
        if not current_user.is_authenticated:
            return current_app.login_manager.unauthorized()  # type: ignore[attr-defined, no-any-return]
        if self.who.factor_missing:
            return redirect(SET_UP.address, 303)
        if not self.opens(name):
            raise Denied
        if self.plugin is not None and not self.switched_on:
            raise SwitchedOff(self.plugin.title)
        if name in self.fresh:
            proof.demand(reading())
        return None

    def _run_view(self, fn: Any, *args: Any, **arguments: Any) -> Any:
        # The stock one calls a view a second time when it raises a TypeError. Each text of a page asks in
        # which language it is to be said: whoever is signed in speaks one.
        with speaking(language()):
            return fn(self, *args, **arguments)


def _person(who: Principal) -> dict[str, str | None]:
    role = next((label for name, label in ROLE_LABELS if getattr(who, name)), "")
    place = ""
    if not who.founder:
        # Every page says this: names are sealed, so none is read that is not shown.
        held = scope(who, SCHOOLS_READ).schools
        names = school_names(reading(), held) if len(held) == 1 else {}
        place = next(iter(names.values()), gettext("%(count)s schools", count=len(held)) if held else "")
    return {"name": who.name, "role_label": role, "place": place or "Classroom Back Office"}


def open_pages(who: Principal) -> Sequence[Group]:
    """The pages of the menu that are open to this principal, each group with its heading if it has one."""
    return _menu_of(who).pages


class _Menu(NamedTuple):
    """The pages that are open to all who are alike, where each is, and lines by which of them are current."""

    pages: Sequence[Group]
    places: Sequence[tuple[str, str]]
    lines: dict[Sequence[bool], tuple[MenuGroup, ...]]


class _Menus(NamedTuple):
    """All pages, those that say themselves whether they stand in the menu, and the menus by for whom."""

    pages: Sequence[Group]
    outspoken: Sequence[MenuView]
    known: dict[Any, _Menu]


def _menu_of(who: Principal) -> _Menu:
    """Found out once for all who are alike.

    They hold the same permissions, for which doors open, while the same plugins are on; and the pages that
    say themselves whether they stand in the menu say the same.
    """
    menus: _Menus | None = current_app.extensions.get("menus")
    if menus is None:
        menus = current_app.extensions["menus"] = _menus()
    said = tuple([page.is_visible() for page in menus.outspoken])
    alike = who.kind, held_somewhere(who), who.plugin_version, said
    found = menus.known.get(alike)
    if found is None:
        opened = [(name, [page for page in pages if _is_shown(page, who)]) for name, pages in menus.pages]
        there = tuple((name, pages) for name, pages in opened if pages)
        places = tuple(_place_of(_view_of(page)) for _name, pages in there for page in pages)
        found = _Menu(there, places, {})
        if len(menus.known) >= MOST_MENUS:
            menus.known.clear()
        menus.known[alike] = found
    return found


def _menus() -> _Menus:
    # Not `get_children()`, which looks up for each page who is signed in.
    pages = tuple(
        (entry.name, entry._children) if entry.is_category() else (None, [entry])  # noqa: SLF001 - as said
        for entry in current_app.extensions["admin"][0].menu()
    )
    outspoken = tuple(
        page
        for _, children in pages
        for page in children
        if type(_view_of(page)).is_visible is not BaseView.is_visible
    )
    return _Menus(pages, outspoken, {})


def _is_shown(page: MenuView, who: Principal) -> bool:
    return page.is_visible() and _view_of(page).shown_to(who)


def _view_of(page: MenuView) -> GuardedView:
    view: GuardedView = page._view  # noqa: SLF001 - Flask-Admin's menu keeps it there and nowhere else
    return view


def _menu(who: Principal) -> tuple[MenuGroup, ...]:
    path, at = request.path, request.blueprint
    menu = _menu_of(who)
    current = tuple([endpoint == at or path.startswith(below) for endpoint, below in menu.places])
    if current not in menu.lines:
        here = iter(current)
        menu.lines[current] = tuple(
            MenuGroup(heading, tuple(_line(page, next(here)) for page in pages))
            for heading, pages in menu.pages
        )
    return menu.lines[current]


def _line(page: MenuView, current: bool) -> MenuPage:  # noqa: FBT001 - as the menu counts them
    view = _view_of(page)
    return MenuPage(page.name, page.get_url(), view.icon, current, view.counts_unread)


def _place_of(view: Any) -> tuple[str, str]:
    """The endpoint of a view, and how addresses below it begin; there are none below the first page."""
    # No path begins with that sign.
    return view.endpoint, f"{view.url}/" if view.url and view.url != "/console" else "\0"
