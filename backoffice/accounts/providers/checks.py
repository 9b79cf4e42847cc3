"""Whether identity providers answer as they should, and vouch for verified addresses only."""

from sqlalchemy import func, select

from backoffice.accounts.providers import protocol
from backoffice.accounts.providers.fetching import NoAnswer
from backoffice.accounts.providers.models import AccountIdentity, IdentityProvider
from backoffice.accounts.providers.protocol import Provider
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, some


def google_sign_in(look: Looking) -> Finding:
    """Every provider in use answers over https, and nobody is linked without a verified address."""
    linked, verified = look.tx.execute(
        select(func.count(AccountIdentity.id), func.count(AccountIdentity.email_verified_at))
    ).one()
    if linked > verified:
        return falls_short(
            f"{count(linked - verified, 'linked account')} of {linked:,} without a verified address."
        )
    used = look.tx.scalars(
        select(IdentityProvider).where(IdentityProvider.enabled).order_by(IdentityProvider.id)
    ).all()
    if not used:
        return not_exercised("No identity provider is in use.")
    silent = [f"{each.title} ({why})" for each in used if (why := _trouble(each))]
    if silent:
        return falls_short(f"No good answer from {some(silent)}.")
    titles = some([each.title for each in used])
    return holds(
        f"{titles} in use, answering; {count(linked, 'linked account')}, each with a verified address."
    )


def _trouble(row: IdentityProvider) -> str | None:
    """What is wrong with a provider's answer, in a fixed phrase."""
    provider = Provider(
        id=row.id,
        name=row.name,
        title=row.title,
        discovery_url=row.discovery_url,
        client_id=row.client_id,
        client_secret=row.client_secret,
        domain_claim=row.domain_claim,
        verified_claim=row.verified_claim,
    )
    try:
        protocol.discover(provider, anew=True)
    except NoAnswer as error:
        return error.why
    return None


CHECKS = (Check("google-sign-in", google_sign_in),)
