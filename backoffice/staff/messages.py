"""What stays in the inbox of staff about their places and their roles in classes."""

from backoffice.access.permissions import CLASSROOMS_CREATE
from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, Choice, Group, MessageKind
from backoffice.staff import mails

# Whoever works at a school may make classes there.
_STAFF = Choice(Group.CLASSES, CLASSROOMS_CREATE)
KINDS = (
    MessageKind(
        mails.PLACE_ENDED,
        Category.WARNING,
        lazy("Your place at a school has ended. If this is a mistake, ask its leader to invite you again."),
        Always.ACCESS,
    ),
    MessageKind(
        mails.CLASS_ROLE,
        Category.NOTICE,
        lazy("You have a new role in a class. If it is not for you, you can leave the class."),
        _STAFF,
        # Not to the class: what is erased is to leave no trace in what others were told.
        "/console/classrooms/",
    ),
    MessageKind(
        mails.CLASS_ROLE_ENDED,
        Category.NOTICE,
        lazy("Your role in a class has ended. If this is a mistake, ask whoever owns the class."),
        _STAFF,
        "/console/classrooms/",
    ),
)
