"""Every promise of the policy and how it stands, for everybody to see."""

from backoffice.plugin import Plugin
from plugins.trust.commands import trust
from plugins.trust.models import TrustBase
from plugins.trust.services import check_if_due
from plugins.trust.views import bp

plugin = Plugin(
    name="trust",
    title="Trust",
    summary="Checks every promise to schools on the running system and shows how it stands.",
    tables=TrustBase.metadata,
    blueprints=(bp,),
    commands=(trust,),
    started=check_if_due,
)
