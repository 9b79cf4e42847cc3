"""What of identity providers is kept for a time."""

from backoffice.accounts.providers.models import IdentityOffer
from backoffice.privacy.retention.kinds import Kind, Rows

OFFERS = Kind("provider-offers", (Rows(IdentityOffer, IdentityOffer.created_at),))
KINDS = (OFFERS,)
