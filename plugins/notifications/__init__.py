"""Incidents, notices, and proof that everyone was told."""

import plugins.notifications.offers
import plugins.notifications.rules  # noqa: F401 - the policy must know who may see incidents
from backoffice.jobs.job import Job, daily
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from backoffice.privacy.erasure.events import SubjectErased
from plugins.notifications import demo
from plugins.notifications.checks import CHECKS
from plugins.notifications.drills.holdings import HELD as DRILLS_HELD
from plugins.notifications.drills.models import TABLES as DRILL_TABLES
from plugins.notifications.drills.views import DrillsPage
from plugins.notifications.holdings import HELD
from plugins.notifications.hooks.holdings import HELD as HOOKS_HELD
from plugins.notifications.hooks.jobs import JOBS as HOOKS_JOBS
from plugins.notifications.hooks.mails import MAILS as HOOKS_MAILS
from plugins.notifications.hooks.mails import MESSAGES as HOOKS_MESSAGES
from plugins.notifications.hooks.models import HookCall
from plugins.notifications.hooks.views import HooksPage
from plugins.notifications.jobs import forget_incidents
from plugins.notifications.kinds import KINDS
from plugins.notifications.letters.jobs import JOBS as LETTERS_JOBS
from plugins.notifications.letters.services import forget_erased
from plugins.notifications.models import (
    ConcernedSchool,
    GivenNotice,
    Incident,
    IncidentTask,
    NotificationsBase,
    TimelineEntry,
)
from plugins.notifications.notices.checks import CHECKS as NOTICES_CHECKS
from plugins.notifications.notices.holdings import HELD as NOTICES_HELD
from plugins.notifications.notices.jobs import JOBS
from plugins.notifications.notices.mails import MAILS
from plugins.notifications.notices.messages import KINDS as MESSAGES
from plugins.notifications.notices.models import TABLES
from plugins.notifications.notices.showing import banners
from plugins.notifications.notices.views import NoticesPage
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN, INCIDENTS_TOLD
from plugins.notifications.scope.holdings import HELD as SCOPE_HELD
from plugins.notifications.scope.models import TABLES as SCOPE_TABLES
from plugins.notifications.terms.holdings import HELD as TERMS_HELD
from plugins.notifications.terms.views import ContractsGrid
from plugins.notifications.tiles import TILES
from plugins.notifications.told.views import ToldGrid
from plugins.notifications.views import IncidentsGrid

plugin = Plugin(
    name="notifications",
    title=lazy("Incidents and notices"),
    summary=lazy("When something goes wrong: who has to be told by when, and proof that they were."),
    tables=NotificationsBase.metadata,
    personal_data=(*HELD, *NOTICES_HELD, *SCOPE_HELD, *DRILLS_HELD, *HOOKS_HELD, *TERMS_HELD),
    retention=KINDS,
    permissions=(INCIDENTS_READ, INCIDENTS_RUN, INCIDENTS_TOLD),
    handlers={SubjectErased: forget_erased},
    tiles=TILES,
    controls=(*CHECKS, *NOTICES_CHECKS),
    jobs=(
        Job(
            "forget-incidents",
            forget_incidents,
            daily(at="03:40"),
            title=lazy("Delete incidents that were closed six years ago"),
            forgets=True,
            expires=(
                Incident,
                TimelineEntry,
                IncidentTask,
                ConcernedSchool,
                GivenNotice,
                *TABLES,
                *SCOPE_TABLES,
                *DRILL_TABLES,
                HookCall,
            ),
        ),
        *JOBS,
        *HOOKS_JOBS,
        *LETTERS_JOBS,
    ),
    pages=(IncidentsGrid, NoticesPage, DrillsPage, HooksPage, ToldGrid, ContractsGrid),
    mails=(*MAILS, *HOOKS_MAILS),
    messages=(*MESSAGES, *HOOKS_MESSAGES),
    banners=banners,
    demo=demo.fill,
    keeps_promises=True,
)
