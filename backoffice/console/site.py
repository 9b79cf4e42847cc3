"""The console's frame: Flask-Admin's `Admin`, with views of ours and nothing of its own looks.

Views are registered here and nowhere else.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from flask import Blueprint, Flask
from flask_admin import Admin
from flask_admin.theme import Theme

from backoffice.console.accounts import AccountsPage
from backoffice.console.changes import ChangesPage
from backoffice.console.class_cards import ClassCards
from backoffice.console.class_door import ClassDoor
from backoffice.console.class_live import ClassLive
from backoffice.console.class_manage import ManagePage
from backoffice.console.class_names import ClassNames
from backoffice.console.class_points import ClassPoints
from backoffice.console.class_teachers import ClassTeachers
from backoffice.console.classrooms import ClassroomGrid
from backoffice.console.dashboard import Dashboard
from backoffice.console.density import DensityPage
from backoffice.console.erasures import ErasuresPage
from backoffice.console.families import FamilyGrid
from backoffice.console.family_invitations import FamilyInvitationGrid
from backoffice.console.fields import FieldsPage
from backoffice.console.find import FindPage
from backoffice.console.grids import large
from backoffice.console.guard import GuardedView
from backoffice.console.holds import HoldsPage
from backoffice.console.inbox import InboxPage
from backoffice.console.inventory import InventoryPage
from backoffice.console.invitations import InvitationGrid
from backoffice.console.jobs import JobsPage
from backoffice.console.large_changes import LargeChangesPage
from backoffice.console.locked_networks import LockedNetworksPage
from backoffice.console.outbox import OutboxGrid
from backoffice.console.permissions import PermissionsPage
from backoffice.console.picker.page import PickPage
from backoffice.console.plugins import PluginsPage
from backoffice.console.reports import ReportsGrid
from backoffice.console.school_days import SchoolDaysPage
from backoffice.console.school_year import SchoolYearPage
from backoffice.console.schools import SchoolGrid
from backoffice.console.security import SecurityGrid
from backoffice.console.student_merge import StudentMerge
from backoffice.console.students import StudentGrid
from backoffice.console.teachers import TeacherGrid
from backoffice.console.views_page import ViewsPage
from backoffice.language.texts import lazy
from backoffice.large_changes.jobs import EXTENSION
from backoffice.plugin import Plugin, PluginError
from backoffice.web.requests import allow_upload

TEMPLATES = Path(__file__).parent / "templates"


# In the order of the menu.
VIEWS: tuple[type[GuardedView], ...] = (
    InboxPage,
    DensityPage,
    PickPage,
    ClassroomGrid,
    ClassPoints,
    ClassCards,
    ClassDoor,
    ClassLive,
    ClassTeachers,
    ClassNames,
    ManagePage,
    StudentGrid,
    StudentMerge,
    FamilyGrid,
    FamilyInvitationGrid,
    SchoolGrid,
    SchoolDaysPage,
    FieldsPage,
    LockedNetworksPage,
    SchoolYearPage,
    TeacherGrid,
    InvitationGrid,
    PermissionsPage,
    InventoryPage,
    PluginsPage,
    JobsPage,
    OutboxGrid,
    AccountsPage,
    SecurityGrid,
    ReportsGrid,
    ViewsPage,
    ChangesPage,
    LargeChangesPage,
    ErasuresPage,
    HoldsPage,
    # What it finds of the own account comes after the work.
    FindPage,
)


def init_app(app: Flask, plugins: Sequence[Plugin] = ()) -> None:
    """Put the console under `/console/`, the plugins' pages after the core's. Raises `PluginError`."""
    app.register_blueprint(Blueprint("console_templates", __name__, template_folder="templates"))
    admin = Admin(
        app,
        name="Classroom Back Office",
        url="/console",
        # A view of ours: the stock index view serves Bootstrap 4 and jQuery to everybody.
        index_view=Dashboard(name=lazy("Start"), endpoint="console", url="/console"),
        theme=Theme(folder=str(TEMPLATES), base_template="console/layout.html"),
    )
    app.extensions[EXTENSION] = large.make
    for view in VIEWS:
        _add(app, admin, view.placed())
    for plugin in plugins:
        app.register_blueprint(
            Blueprint(
                f"{plugin.name}_templates", plugin.package, template_folder=str(plugin.folder / "templates")
            )
        )
        for page in plugin.pages:
            if not issubclass(page, GuardedView):
                raise PluginError([f"The page {page.__name__} of {plugin.name} is no GuardedView."])
            _add(app, admin, page.placed(plugin))


def _add(app: Flask, admin: Admin, view: GuardedView) -> None:
    admin.add_view(view)
    for door, size in view.uploads.items():
        allow_upload(app, f"{view.endpoint}.{door}", size=size, opens=partial(_opens, view, door))


def _opens(view: GuardedView, door: str) -> bool:
    return view.opens(door) and view.switched_on
