"""Everything that can be allowed, each with the sentence that people read. `config/roles.toml` says to whom.

A name is `things:verb`. Plugins declare their own; `backoffice.access.policy.load_roles` refuses a name
that nobody declared.
"""

from typing import Self


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


ACCOUNTS_FIND = Permission("accounts:find", "Find an account by its exact address, without its name")
ACCOUNTS_RESET = Permission("accounts:reset", "Have a lost second factor taken away after a day")
ACCOUNTS_SUSPEND = Permission("accounts:suspend", "Suspend an account, and end that")
ACTIONS_EDIT = Permission("actions:edit", "Make, change and retire a class's Actions")
AUDIT_READ = Permission("audit:read", "Read the trail of who did what")
CARDS_ISSUE = Permission("cards:issue", "Print students' personal cards, and void them")
CHILDREN_READ = Permission("children:read", "See a child's name, class, points and last awards")
CLASSROOMS_ARCHIVE = Permission("classrooms:archive", "Archive a class, and bring it back")
CLASSROOMS_CREATE = Permission("classrooms:create", "Make a class")
CLASSROOMS_EDIT = Permission("classrooms:edit", "Change a class, its codes, door and tablets")
CLASSROOMS_EXPORT = Permission("classrooms:export", "Take a list of classes out as a file")
CLASSROOMS_READ = Permission("classrooms:read", "See a class")
CONSOLE_ENTER = Permission("console:enter", "Enter this console")
GOALS_EDIT = Permission("goals:edit", "Set the points that a student is to reach")
GUARDIANS_APPROVE = Permission("guardians:approve", "Let a parent follow a child, refuse that, and end it")
GUARDIANS_INVITE = Permission("guardians:invite", "Invite a child's parents, by mail or letter")
JOBS_EDIT = Permission("jobs:edit", "Pause a job, resume it, set its time")
JOBS_READ = Permission("jobs:read", "See the work in the background and how it went")
JOBS_RUN = Permission("jobs:run", "Have a job run now")
KEYS_ROTATE = Permission("keys:rotate", "Change the keys under which data is sealed")
MAIL_READ = Permission("mail:read", "See which mails went out, not to whom nor what they say")
MAIL_RETRY = Permission("mail:retry", "Have a mail that was given up tried again")
NETWORKS_OPEN = Permission(
    "networks:open", "Let a network with too many wrong PINs try again at the school's classes"
)
OWN_POINTS_READ = Permission("own-points:read", "See the own points")
PERMISSIONS_READ = Permission("permissions:read", "See who may do what")
PINS_CLEAR = Permission("pins:clear", "Clear and unlock students' PINs, and ask a class for them")
PLUGINS_EDIT = Permission("plugins:edit", "Switch a plugin on or off, and set it")
PLUGINS_READ = Permission("plugins:read", "See the plugins and how they are")
POINTS_AWARD = Permission("points:award", "Award points, and take the own awards back")
POINTS_REPORT = Permission("points:report", "Print a student's progress report")
POINTS_UNDO = Permission("points:undo", "Take back what somebody else awarded")
REQUESTS_ANSWER = Permission("requests:answer", "Answer a parent who asks to correct or delete something")
SCHOOL_DAYS_EDIT = Permission("school-days:edit", "Set on which days a school teaches, and its time zone")
SCHOOL_YEARS_BEGIN = Permission(
    "school-years:begin", "Begin a school year: archive classes, make new ones, move students up"
)
SCHOOLS_COUNT = Permission("schools:count", "See how many classes, students and staff a school has")
SCHOOLS_EDIT = Permission("schools:edit", "Say how a school's staff have to sign in")
SCHOOLS_READ = Permission("schools:read", "See a school's name and place")
SCHOOLS_SECURE = Permission("schools:secure", "Require a second factor at a school")
SECURITY_CLOSE = Permission("security:close", "Close a security event with a note")
SECURITY_READ = Permission("security:read", "See the security events")
STUDENTS_CREATE = Permission("students:create", "Add students to a class")
STUDENTS_EDIT = Permission("students:edit", "Correct a student's name")
STUDENTS_EXPORT = Permission("students:export", "Take a list of students out as a file")
STUDENTS_MERGE = Permission("students:merge", "Make one student of two who are the same child")
STUDENTS_READ = Permission("students:read", "See a student's name, classes and points")
STUDENTS_SIGN_OUT = Permission("students:sign-out", "Sign out children who are signed in")
STUDENTS_UNENROLL = Permission("students:unenroll", "Take a student out of a class")
TEACHERS_ASSIGN = Permission(
    "teachers:assign", "Give colleagues a role in a class, change it and take it away"
)
TEACHERS_INVITE = Permission("teachers:invite", "Invite people into a school")
TEACHERS_LIST = Permission("teachers:list", "See a school's staff, their roles and classes")
TEACHERS_READ = Permission("teachers:read", "See the names of the staff of a class")
TEACHERS_REMOVE = Permission("teachers:remove", "End somebody's place at a school")
TEACHERS_RESET = Permission("teachers:reset", "Have a teacher's lost second factor taken away after a day")
TEACHERS_SUSPEND = Permission("teachers:suspend", "Suspend somebody's place at a school, and end that")
VIEWS_SAVE = Permission("views:save", "Keep lists as one likes to see them, for oneself")
VIEWS_SHARE = Permission("views:share", "Share views of lists in a school, and change shared ones")
WORRIES_ANSWER = Permission("worries:answer", "Read what children told, take it up and close it")

CORE: frozenset[Permission] = frozenset(each for each in globals().values() if isinstance(each, Permission))
