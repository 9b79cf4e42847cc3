"""A school comes in: rosters from files become classes whose children can sign in."""

import plugins.rosters.rules  # noqa: F401 - the policy must know what people may see of it
from backoffice.jobs.job import Job, every
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from plugins.rosters.commands import rosters
from plugins.rosters.holdings import HELD
from plugins.rosters.jobs import forget_uploads, import_upload
from plugins.rosters.kinds import KINDS
from plugins.rosters.mails import IMPORT_FINISHED
from plugins.rosters.messages import KINDS as MESSAGES
from plugins.rosters.models import RosterImport, RostersBase, RosterUpload
from plugins.rosters.permissions import ROSTERS_IMPORT
from plugins.rosters.settings import RostersSettings
from plugins.rosters.views import RosterGrid

plugin = Plugin(
    name="rosters",
    title=lazy("Rosters"),
    summary=lazy(
        "Takes schools, classes, teachers and students in from roster files, and keeps them up to date."
    ),
    tables=RostersBase.metadata,
    permissions=(ROSTERS_IMPORT,),
    settings=RostersSettings,
    pages=(RosterGrid,),
    commands=(rosters,),
    jobs=(
        Job("import", import_upload, title=lazy("Import an uploaded roster")),
        Job(
            "forget-uploads",
            forget_uploads,
            every(hours=1),
            title=lazy("Delete old uploads, and names in old reports"),
            forgets=True,
            expires=(RosterUpload, RosterImport),
        ),
    ),
    mails=(IMPORT_FINISHED,),
    messages=MESSAGES,
    personal_data=HELD,
    retention=KINDS,
)
