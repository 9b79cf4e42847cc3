"""The work of identity providers in the background."""

from backoffice.accounts.providers.models import IdentityOffer
from backoffice.accounts.providers.services.linking import write_offers
from backoffice.jobs.job import Counts, Job, JobRun, every
from backoffice.language.texts import lazy


def _write_offers(run: JobRun) -> Counts:
    """Write mails with links to identity providers."""
    return write_offers(run.who)


JOBS = (
    Job(
        "write-identity-offers",
        _write_offers,
        every(minutes=5),
        title=lazy("Write mails about linking accounts"),
        expires=(IdentityOffer,),
    ),
)
