"""A child types its username, and its PIN if it has one."""

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.accounts import passwords
from backoffice.language.texts import lazy
from backoffice.problems import Rejected
from backoffice.schools.services import showing
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.functions import AnyRow
from backoffice.students import services
from backoffice.students.pins import counting
from backoffice.students.services import Begun
from backoffice.throttles.visitor import Visitor

# The same words for a username that nobody has, a PIN that is wrong or missing, and one that is locked.
WRONG = lazy("That did not work. Look at each letter and number, and try again. Or ask your teacher.")


def sign_in_by_username(
    *,
    code: str,
    username: str,
    pin: str,
    sessions: Sessions,
    visitor: Visitor,
    throttles: Throttles,
    only_at_tablet: bool = False,
) -> Begun:
    """Begin a session for the child of the code's class with this username. Raises `Rejected`, `Throttled`.

    A wrong try counts as a wrong PIN does; a right one counts for none.
    """
    index, room = services.class_behind(code=code, visitor=visitor, throttles=throttles)
    taken = counting.take_wrong(
        counting.USERNAME, classroom_id=room.classroom_id, visitor=visitor, throttles=throttles
    )
    try:
        begun = services.sign_in_student(
            code=code,
            student=_child(index, room, username, pin, visitor),
            pin=pin,
            sessions=sessions,
            visitor=visitor,
            throttles=throttles,
            only_at_tablet=only_at_tablet,
        )
    except Rejected as refused:
        raise (Rejected(username=WRONG) if "pin" in refused.fields else refused) from None
    except Exception:
        taken.give_back()
        raise
    taken.give_back()
    return begun


def _child(index: bytes, room: AnyRow, username: str, pin: str, visitor: Visitor) -> str:
    digest = showing.digest(showing.typed(username), school_id=room.school_id)
    with transaction(Nobody(visitor.address)) as tx:
        child = functions.child_by_username(tx, code_index=index, digest=digest, at=clock.now())
    if child is None:
        # The work of checking a PIN.
        passwords.verify(pin, None, Passwords())
        raise Rejected(username=WRONG)
    return child
