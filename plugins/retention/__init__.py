"""What may be kept no longer goes by itself, and everybody sees that it does."""

from backoffice.accounts.models import AccountLetter, AccountSession
from backoffice.accounts.passkeys.models import SpentChallenge
from backoffice.audit.models import AuditDetail
from backoffice.families.requests.models import GuardianRequest
from backoffice.jobs.job import Job, every
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from backoffice.privacy.holdings import PersonalData, Subject
from backoffice.students.models import StudentSession
from backoffice.students.pins.models import PinOverride
from backoffice.students.worries.models import Worry
from plugins.retention.checks import CHECKS
from plugins.retention.commands import retention
from plugins.retention.jobs import let_go, look_after_contracts, look_after_idle, look_after_ownerless
from plugins.retention.keeping_views import bp
from plugins.retention.kinds import KINDS
from plugins.retention.mails import MAILS
from plugins.retention.messages import KINDS as MESSAGES
from plugins.retention.models import IdleAccount, RetentionBase
from plugins.retention.views import RetentionPage

plugin = Plugin(
    name="retention",
    title=lazy("Data retention"),
    summary=lazy("Erases what the policy no longer allows us to keep, and shows that it did."),
    tables=RetentionBase.metadata,
    personal_data=(PersonalData(IdleAccount, Subject.ACCOUNT),),
    retention=KINDS,
    # Whoever was warned keeps the account, whatever is switched off.
    standing_blueprints=(bp,),
    mails=MAILS,
    messages=MESSAGES,
    pages=(RetentionPage,),
    commands=(retention,),
    jobs=(
        Job(
            "look-after-idle",
            look_after_idle,
            every(hours=6),
            title=lazy("Warn whose account nobody uses, and erase it a year after"),
            forgets=True,
        ),
        Job(
            "look-after-ownerless",
            look_after_ownerless,
            every(hours=1),
            title=lazy("Tell leaders of classes without a teacher, and erase them a month after"),
            forgets=True,
        ),
        Job(
            "look-after-contracts",
            look_after_contracts,
            every(hours=6),
            title=lazy("Tell leaders whose contract ended, and erase the school 60 days after"),
            forgets=True,
        ),
        Job(
            "run",
            let_go,
            # Nothing is to be older than its period by more than a day, whatever a run takes or is missed.
            every(hours=6),
            title=lazy("Erase what has been kept for long enough"),
            forgets=True,
            # What no other job lets go.
            expires=(
                AccountSession,
                AuditDetail,
                PinOverride,
                StudentSession,
                Worry,
                GuardianRequest,
                AccountLetter,
                SpentChallenge,
            ),
        ),
    ),
    controls=CHECKS,
    keeps_promises=True,
)
