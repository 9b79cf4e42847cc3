"""Every promise of the policy and how it stands, for everybody to see."""

from backoffice.jobs.job import Job, every
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from plugins.trust.commands import trust
from plugins.trust.jobs import check_what_is_due
from plugins.trust.models import TrustBase
from plugins.trust.tiles import TILES, standings
from plugins.trust.views import bp

plugin = Plugin(
    name="trust",
    title=lazy("Trust"),
    summary=lazy("Checks every promise to schools on the running system and shows how it stands."),
    tables=TrustBase.metadata,
    personal_data=(),
    retention=(),
    standing_blueprints=(bp,),
    commands=(trust,),
    jobs=(Job("check", check_what_is_due, every(minutes=5), title=lazy("Check the promises that are due")),),
    tiles=TILES,
    standings=standings,
    keeps_promises=True,
)
