"""Schools, teachers, parents and account holders take along what is theirs."""

import plugins.exports.rules  # noqa: F401 - the policy must know what people may see of it
from backoffice.jobs.job import Job, every
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from backoffice.privacy.erasure.events import SubjectErased
from plugins.exports.account_views import bp
from plugins.exports.checks import CHECKS
from plugins.exports.commands import exports
from plugins.exports.holdings import HELD
from plugins.exports.jobs import destroy, destroy_erased, make
from plugins.exports.kinds import KINDS
from plugins.exports.mails import MAILS
from plugins.exports.messages import KINDS as MESSAGES
from plugins.exports.models import Export, ExportsBase, Intake
from plugins.exports.permissions import EXPORTS_MAKE
from plugins.exports.settings import ExportsSettings
from plugins.exports.tiles import TILES
from plugins.exports.views import ExportsPage

plugin = Plugin(
    name="exports",
    title=lazy("Exports"),
    summary=lazy("Lets schools, teachers, parents and account holders take along what is theirs."),
    tables=ExportsBase.metadata,
    personal_data=HELD,
    retention=KINDS,
    permissions=(EXPORTS_MAKE,),
    settings=ExportsSettings,
    pages=(ExportsPage,),
    tiles=TILES,
    blueprints=(bp,),
    commands=(exports,),
    jobs=(
        Job("make", make, title=lazy("Make an export"), attempts=3),
        Job(
            "destroy",
            destroy,
            every(minutes=15),
            title=lazy("Destroy the files of exports that are over"),
            forgets=True,
            expires=(Export, Intake),
        ),
    ),
    mails=MAILS,
    messages=MESSAGES,
    controls=CHECKS,
    handlers={SubjectErased: destroy_erased},
    keeps_promises=True,
)
