"""How long log files are kept. They lie in a folder and in no table."""

from backoffice.privacy.retention.kinds import Kind

LOG_FILES = Kind("log-files", by="retention.run")
KINDS = (LOG_FILES,)
