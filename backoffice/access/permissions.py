"""Everything that can be allowed, each with the sentence that people read. `config/roles.toml` says to whom.

A name is `things:verb`. Plugins declare their own; `backoffice.access.policy.load_roles` refuses a name
that nobody declared.
"""

from typing import Self

from backoffice.language.texts import lazy


class Permission(str):
    """The name of what can be allowed; `says` is it in words, for the page that shows who may do what."""

    __slots__ = ("says",)
    says: str

    def __new__(cls, name: str, says: str = "") -> Self:
        """A permission of this name."""
        made = super().__new__(cls, name)
        made.says = says
        return made

    @property
    def area(self) -> str:
        """What it is about: the part of the name that several share."""
        return self.partition(":")[0]


ACCOUNTS_FIND = Permission("accounts:find", lazy("Find an account by its exact address, without its name"))
ACCOUNTS_RESET = Permission("accounts:reset", lazy("Have a lost second factor taken away after a day"))
ACCOUNTS_SUSPEND = Permission("accounts:suspend", lazy("Suspend an account, and end that"))
ACTIONS_EDIT = Permission("actions:edit", lazy("Make, change and retire a class's Actions"))
AUDIT_READ = Permission("audit:read", lazy("Read the trail of who did what"))
CARDS_ISSUE = Permission("cards:issue", lazy("Print students' personal cards, and void them"))
CHILDREN_READ = Permission("children:read", lazy("See a child's name, class, points and last awards"))
CLASSROOMS_ARCHIVE = Permission("classrooms:archive", lazy("Archive a class, and bring it back"))
CLASSROOMS_CREATE = Permission("classrooms:create", lazy("Make a class"))
CLASSROOMS_EDIT = Permission("classrooms:edit", lazy("Change a class, its codes, door and tablets"))
CLASSROOMS_ERASE = Permission("classrooms:erase", lazy("Erase a class for good, with students of no other"))
CLASSROOMS_EXPORT = Permission("classrooms:export", lazy("Take a list of classes out as a file"))
CLASSROOMS_READ = Permission("classrooms:read", lazy("See a class"))
CONSOLE_ENTER = Permission("console:enter", lazy("Enter this console"))
CONTRACTS_END = Permission(
    "contracts:end", lazy("Say that a school's or district's contract ends, and that it goes on")
)
FIELDS_MANAGE = Permission(
    "fields:manage", lazy("Make fields of the school's own, change them and delete them")
)
FIELDS_READ = Permission("fields:read", lazy("See which fields a school has of its own"))
GOALS_EDIT = Permission("goals:edit", lazy("Set the points that a student is to reach"))
GUARDIANS_APPROVE = Permission(
    "guardians:approve", lazy("Let a parent follow a child, refuse that, and end it")
)
GUARDIANS_EXPORT = Permission("guardians:export", lazy("Take a list of parents out as a file"))
GUARDIANS_INVITE = Permission("guardians:invite", lazy("Invite a child's parents, by mail or letter"))
INVENTORY_READ = Permission("inventory:read", lazy("See what data is held, why, and what erases it"))
JOBS_EDIT = Permission("jobs:edit", lazy("Pause a job, resume it, set its time"))
JOBS_READ = Permission("jobs:read", lazy("See the work in the background and how it went"))
JOBS_RUN = Permission("jobs:run", lazy("Have a job run now"))
KEYS_ROTATE = Permission("keys:rotate", lazy("Change the keys under which data is sealed"))
MAIL_READ = Permission("mail:read", lazy("See which mails went out, not to whom nor what they say"))
MAIL_RETRY = Permission("mail:retry", lazy("Have a mail that was given up tried again"))
NETWORKS_OPEN = Permission(
    "networks:open", lazy("Let a network with too many wrong PINs try again at the school's classes")
)
OWN_POINTS_READ = Permission("own-points:read", lazy("See the own points"))
PERMISSIONS_READ = Permission("permissions:read", lazy("See who may do what"))
PINS_CLEAR = Permission("pins:clear", lazy("Clear and unlock students' PINs, and ask a class for them"))
PLUGINS_EDIT = Permission("plugins:edit", lazy("Switch a plugin on or off, and set it"))
PLUGINS_READ = Permission("plugins:read", lazy("See the plugins and how they are"))
POINTS_AWARD = Permission("points:award", lazy("Award points, and take the own awards back"))
POINTS_REPORT = Permission("points:report", lazy("Print a student's progress report"))
POINTS_UNDO = Permission("points:undo", lazy("Take back what somebody else awarded"))
REPORTS_CLOSE = Permission("reports:close", lazy("Close a report, saying what it was"))
REPORTS_READ = Permission("reports:read", lazy("See what anybody reported to us"))
REQUESTS_ANSWER = Permission(
    "requests:answer", lazy("Answer a parent who asks to correct or delete something")
)
HOLDS_READ = Permission("holds:read", lazy("See legal holds: what is kept, and why"))
HOLDS_EDIT = Permission("holds:edit", lazy("Propose, confirm and release a legal hold"))
RETENTION_POLICIES_EDIT = Permission(
    "retention-policies:edit", lazy("Propose and confirm a change of the policy of retention")
)
RETENTION_READ = Permission("retention:read", lazy("See what went by age, and what will"))
RETENTION_RUN = Permission("retention:run", lazy("Let an unusually large run of retention go on"))
SCHOOL_DAYS_EDIT = Permission(
    "school-days:edit", lazy("Set on which days a school teaches, and its time zone")
)
SCHOOL_YEARS_BEGIN = Permission(
    "school-years:begin", lazy("Begin a school year: archive classes, make new ones, move students up")
)
SCHOOLS_CONTACT = Permission(
    "schools:contact", lazy("Set a school's or district's security contact and postal address")
)
SCHOOLS_COUNT = Permission("schools:count", lazy("See how many classes, students and staff a school has"))
SCHOOLS_EDIT = Permission("schools:edit", lazy("Say how a school's staff have to sign in"))
SCHOOLS_ERASE = Permission("schools:erase", lazy("Erase a school or a district for good"))
SCHOOLS_READ = Permission("schools:read", lazy("See a school's name and place"))
SCHOOLS_SECURE = Permission("schools:secure", lazy("Require a second factor at a school"))
SECURITY_CLOSE = Permission("security:close", lazy("Close a security event with a note"))
SECURITY_READ = Permission("security:read", lazy("See the security events"))
STUDENTS_CREATE = Permission("students:create", lazy("Add students to a class"))
STUDENTS_EDIT = Permission("students:edit", lazy("Correct a student's name"))
STUDENTS_ERASE = Permission("students:erase", lazy("Erase a student for good, with everything about them"))
STUDENTS_EXPORT = Permission("students:export", lazy("Take a list of students out as a file"))
STUDENTS_MERGE = Permission("students:merge", lazy("Make one student of two who are the same child"))
STUDENTS_READ = Permission("students:read", lazy("See a student's name, classes and points"))
STUDENTS_SIGN_OUT = Permission("students:sign-out", lazy("Sign out children who are signed in"))
STUDENTS_UNENROLL = Permission("students:unenroll", lazy("Take a student out of a class"))
TEACHERS_ASSIGN = Permission(
    "teachers:assign", lazy("Give colleagues a role in a class, change it and take it away")
)
TEACHERS_EXPORT = Permission("teachers:export", lazy("Take a list of staff out as a file"))
TEACHERS_INVITE = Permission("teachers:invite", lazy("Invite people into a school"))
TEACHERS_LIST = Permission("teachers:list", lazy("See a school's staff, their roles and classes"))
TEACHERS_READ = Permission("teachers:read", lazy("See the names of the staff of a class"))
TEACHERS_REMOVE = Permission("teachers:remove", lazy("End somebody's place at a school"))
TEACHERS_RESET = Permission(
    "teachers:reset", lazy("Have a teacher's lost second factor taken away after a day")
)
TEACHERS_SUSPEND = Permission("teachers:suspend", lazy("Suspend somebody's place at a school, and end that"))
VIEWS_SAVE = Permission("views:save", lazy("Keep lists as one likes to see them, for oneself"))
VIEWS_SHARE = Permission("views:share", lazy("Share views of lists in a school, and change shared ones"))
WORRIES_ANSWER = Permission("worries:answer", lazy("Read what children told, take it up and close it"))

CORE: frozenset[Permission] = frozenset(each for each in globals().values() if isinstance(each, Permission))
