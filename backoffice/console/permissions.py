"""Who may do what, as the running policy has it: nothing on this page is written down twice."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from flask import current_app
from flask_admin import expose

from backoffice.access import policy
from backoffice.access.permissions import PERMISSIONS_READ, Permission
from backoffice.access.policy import RoleName
from backoffice.console.command import Command
from backoffice.console.grid import Grid
from backoffice.console.guard import GuardedView
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from backoffice.schools.names import plain
from backoffice.web.identity import reading, runtime
from backoffice.wording import spoken

# What people call each role, and where somebody is it.
ROLES: Mapping[RoleName, tuple[str, str]] = {
    RoleName.FOUNDER: (lazy("Founder"), lazy("staff of the company, with a second factor: everywhere")),
    RoleName.LEADER: (lazy("Leader"), lazy("in the schools, or all schools of the district, that they lead")),
    RoleName.PRIVACY_OFFICER: (lazy("Privacy officer"), lazy("in the schools of their district")),
    RoleName.TEACHER: (lazy("Teacher"), lazy("at the schools where they work, whatever they teach there")),
    RoleName.SOLE_TEACHER: (
        lazy("Sole teacher"),
        lazy("in the school of their own that they signed up with"),
    ),
    RoleName.OWNER: (lazy("Owner"), lazy("of a class: in the classes that are theirs")),
    RoleName.CO_TEACHER: (lazy("Co-teacher"), lazy("in the classes that they teach together with the owner")),
    RoleName.HELPER: (lazy("Helper"), lazy("in the classes in which they help")),
    RoleName.GUARDIAN: (lazy("Parent"), lazy("for their own child, once its teacher has agreed")),
    RoleName.STUDENT: (lazy("Student"), lazy("for themselves, in the class whose code they came in by")),
}
# What the permissions of each area of the core are about; a plugin's stand under its own title.
AREAS: Mapping[str, str] = {
    "accounts": lazy("Accounts"),
    "actions": lazy("Actions for points"),
    "audit": lazy("The trail"),
    "cards": lazy("Cards"),
    "children": lazy("Own children"),
    "classrooms": lazy("Classes"),
    "console": lazy("Console"),
    "contracts": lazy("Contracts"),
    "fields": lazy("Fields of the school's own"),
    "goals": lazy("Goals"),
    "guardians": lazy("Parents"),
    "holds": lazy("Legal holds"),
    "inventory": lazy("Data inventory"),
    "jobs": lazy("Jobs"),
    "keys": lazy("Keys"),
    "mail": lazy("Mail"),
    "networks": lazy("Networks"),
    "own-points": lazy("Own points"),
    "permissions": lazy("Permissions"),
    "pins": lazy("Secret numbers"),
    "plugins": lazy("Plugins"),
    "points": lazy("Points"),
    "reports": lazy("Reports"),
    "requests": lazy("Requests of parents"),
    "retention": lazy("Retention"),
    "retention-policies": lazy("Policy of retention"),
    "school-days": lazy("School days"),
    "school-years": lazy("School years"),
    "schools": lazy("Schools"),
    "security": lazy("Security"),
    "students": lazy("Students"),
    "teachers": lazy("Teachers"),
    "views": lazy("Saved views"),
    "worries": lazy("Worries"),
}


class PermissionsPage(GuardedView):
    """The matrix of permissions and roles, for founders and leaders."""

    doors = {"index": PERMISSIONS_READ}
    title = lazy("Permissions")
    category = lazy("School")
    address = "permissions"
    icon = "key"
    commands = (Command(lazy("See who may do what"), "index", "permissions/", also=lazy("rights roles")),)

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """Every permission that is declared here, and the roles that hold it."""
        return self.render(
            "console/permissions.html",
            roles=[{"title": title, "where": where} for title, where in ROLES.values()],
            areas=_areas(),
        )


def _areas() -> list[dict[str, Any]]:
    owners = {each: plugin for plugin in runtime().plugins for each in plugin.permissions}
    on, fresh = _pages()
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for permission in sorted(policy.declared()):
        plugin = owners.get(permission)
        rows[str(plugin.title if plugin else AREAS.get(permission.area, spoken(permission.area)))].append(
            {
                "name": permission,
                "says": permission.says or spoken(permission.replace(":", ", ")),
                "held": [permission in policy.granted(role) for role in ROLES],
                "pages": sorted(on[permission]),
                "fresh": permission in fresh,
                "off": plugin is not None and not _is_on(plugin),
            }
        )
    return [
        {"title": title, "rows": listed}
        for title, listed in sorted(rows.items(), key=lambda area: plain(area[0]))
    ]


def _pages() -> tuple[Mapping[Permission, set[str]], set[Permission]]:
    """On which pages of the console each is of use, and which of them want the password once more."""
    on: dict[Permission, set[str]] = defaultdict(set)
    fresh: set[Permission] = set()
    for view in _views():
        needed = [(permission, door in view.fresh) for door, permission in view.doors.items()]
        if isinstance(view, Grid):
            needed += [(action.permission, action.fresh) for action in view.actions]
        for permission, is_fresh in needed:
            on[permission].add(view.title)
            fresh |= {permission} if is_fresh else set()
    return on, fresh


def _views() -> Iterator[GuardedView]:
    yield from current_app.extensions["admin"][0]._views  # noqa: SLF001 - Flask-Admin keeps them there


def _is_on(plugin: Plugin) -> bool:
    return reading().enabled(plugin.name)
