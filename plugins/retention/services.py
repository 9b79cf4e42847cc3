"""Letting go of everything that is due: what lies in tables, and the log files of this machine."""

from collections.abc import Callable, Iterable
from pathlib import Path

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.retention import log_files
from backoffice.privacy.retention.kinds import Kind
from backoffice.privacy.retention.log_files import LOG_FILES
from backoffice.privacy.retention.runs import Outcome, Rules, run_kinds, tell


def let_go(
    *,
    principal: Purpose,
    kinds: Iterable[Kind],
    rules: Rules,
    log_folder: Path | None,
    progress: Callable[[int], object] = lambda _gone: None,
) -> Outcome:
    """Let go what is due of these kinds, and tell how many went of each. Can be killed and run again."""
    chosen = list(kinds)
    outcome = run_kinds(principal, chosen, rules=rules, progress=progress)
    if LOG_FILES in chosen and log_folder is not None:
        now = clock.now()
        log_files.put_aside(log_folder, now)
        gone = log_files.forget(log_folder, before=LOG_FILES.before(now))
        with transaction(principal) as tx:
            tell(tx, LOG_FILES, gone, oldest=log_files.oldest_line(log_folder))
        outcome.gone[LOG_FILES.name] = gone
    return outcome
