"""What is given to jobs that do not run by themselves, so that the contract can run them.

A plugin's job with arguments has an entry here: from a world it makes something to work on and answers with
the arguments.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import select

from backoffice.access.transaction import transaction
from plugins.rosters import services as rosters
from plugins.rosters.importing.places import Target
from plugins.rosters.models import RosterImport
from tests.factories.oneroster import Shape, zipped
from tests.factories.world import SYSTEM, World

Given = Callable[[World], Mapping[str, int | str]]


def _upload(world: World) -> Mapping[str, int | str]:
    content = zipped(Shape(students=6, classes_a_student=2, unwanted=False))
    target = Target(school=world.home.public_id)
    made = rosters.queue_upload(principal=world.sign_in("leader"), target=target, content=[content])
    with transaction(SYSTEM) as tx:
        return {"number": tx.scalars(select(RosterImport.id).where(RosterImport.public_id == made)).one()}


GIVEN: Mapping[str, Given] = {"rosters.import": _upload}
