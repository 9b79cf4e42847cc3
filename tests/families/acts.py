"""What teachers and parents do, in few words."""

from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account
from backoffice.accounts.services import signing_in
from backoffice.families.models import GuardianLink
from backoffice.families.services import accepting, invitations, links
from backoffice.settings import Sessions
from backoffice.throttles.visitor import Visitor
from tests.factories.world import COST, NO_LIMIT, SYSTEM, Child, World
from tests.families.post import token_for

PASSWORD = "walrus umbrella saxophone"
SOMEWHERE = Visitor("203.0.113.4")


def invite(world: World, child: Child, email: str, role: str = "teacher") -> None:
    """Invite a parent of a child by mail."""
    invitations.invite(
        principal=world.sign_in(role),
        student=child.public_id,
        email=email,
        name="Norma Newparent",
        throttles=NO_LIMIT,
    )


def print_letter(world: World, child: Child, role: str = "teacher") -> str:
    """Make a letter for a child; its code."""
    principal = world.sign_in(role)
    invitations.print_letter(principal=principal, student=child.public_id)
    with transaction(principal) as tx:
        code = invitations.open_letters(tx, [child.id])[-1].code
    assert code
    return code


def accept_anew(token: str, name: str = "Norma N.") -> signing_in.SignedIn:
    """Take an invitation with an account that begins with it."""
    return accepting.accept_anew(
        token=token,
        name=name,
        password=PASSWORD,
        cost=COST,
        sessions=Sessions(),
        visitor=SOMEWHERE,
        device="test browser",
    )


def new_parent(world: World, child: Child, email: str, role: str = "teacher") -> str:
    """Somebody who was invited, has answered and waits; the public identifier of the link."""
    invite(world, child, email, role)
    accept_anew(token_for(email), email.partition("@")[0].title())
    (link,) = links_of(email)
    return link.public_id


def approved_parent(world: World, child: Child, email: str, role: str = "teacher") -> str:
    """Somebody whom a teacher has approved; the public identifier of the link."""
    link = new_parent(world, child, email, role)
    assert links.approve(principal=world.sign_in(role), links=[link]) == 1
    return link


def links_of(email: str) -> list[GuardianLink]:
    """The links of the account with this address, the oldest first."""
    with transaction(SYSTEM) as tx:
        account = select(Account.id).where(Account.email_index == email_index(email)).scalar_subquery()
        found = select(GuardianLink).where(GuardianLink.account_id == account).order_by(GuardianLink.id)
        return list(tx.scalars(found))


def states(email: str) -> list[str]:
    """How they stand."""
    return [each.status for each in links_of(email)]


def sign_in(email: str, password: str = PASSWORD) -> signing_in.SignedIn:
    """Sign somebody in who has an account by now."""
    return signing_in.sign_in(
        email=email,
        password=password,
        sessions=Sessions(),
        cost=COST,
        visitor=SOMEWHERE,
        device="test browser",
        throttles=NO_LIMIT,
    )
