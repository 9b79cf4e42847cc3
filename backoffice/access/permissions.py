"""The names of everything that can be allowed. `config/roles.toml` says to whom.

A name is `things:verb`. Plugins declare their own; `backoffice.access.policy.load_roles` refuses a name
that nobody declared.
"""

from typing import NewType

Permission = NewType("Permission", str)

AUDIT_READ = Permission("audit:read")
CHILDREN_READ = Permission("children:read")
CLASSROOMS_CREATE = Permission("classrooms:create")
CLASSROOMS_EDIT = Permission("classrooms:edit")
CLASSROOMS_EXPORT = Permission("classrooms:export")
CLASSROOMS_READ = Permission("classrooms:read")
CONSOLE_ENTER = Permission("console:enter")
JOBS_EDIT = Permission("jobs:edit")
JOBS_READ = Permission("jobs:read")
JOBS_RUN = Permission("jobs:run")
KEYS_ROTATE = Permission("keys:rotate")
MAIL_READ = Permission("mail:read")
MAIL_RETRY = Permission("mail:retry")
OWN_POINTS_READ = Permission("own-points:read")
PLUGINS_EDIT = Permission("plugins:edit")
PLUGINS_READ = Permission("plugins:read")
SCHOOLS_COUNT = Permission("schools:count")
SCHOOLS_EDIT = Permission("schools:edit")
SCHOOLS_READ = Permission("schools:read")
STUDENTS_CREATE = Permission("students:create")
STUDENTS_EDIT = Permission("students:edit")
STUDENTS_EXPORT = Permission("students:export")
STUDENTS_READ = Permission("students:read")
STUDENTS_UNENROLL = Permission("students:unenroll")
TEACHERS_INVITE = Permission("teachers:invite")
TEACHERS_LIST = Permission("teachers:list")
TEACHERS_READ = Permission("teachers:read")
TEACHERS_REMOVE = Permission("teachers:remove")

CORE: frozenset[Permission] = frozenset(
    Permission(value) for name, value in globals().items() if name.isupper() and isinstance(value, str)
)
