"""Saying to a person what keeps us from the database."""

SILENT = "The database does not answer. Is it running, and is its address right?"
# Words of libpq and OpenSSL, and what they mean.
REFUSALS = {
    "does not match host name": (
        "The database's certificate is for another host than the one that its address names."
        " Use a name that stands in the certificate."
    ),
    "certificate verify failed": (
        "The database's certificate does not come from the authority that sslrootcert names, or has expired."
        " Name the file of the authority that issued it."
    ),
    "server does not support SSL": (
        "The database takes no encrypted connections, and its address demands one. Switch TLS on there."
    ),
    "root certificate file": (
        "The database's address demands that its certificate is checked, and the file of the authority"
        " cannot be read. Name it with sslrootcert."
    ),
}


def why_refused(error: Exception) -> str:
    """What keeps us from the database, in a sentence or two that hold no part of its address."""
    said = str(getattr(error, "orig", error))
    return next((sentence for words, sentence in REFUSALS.items() if words in said), SILENT)
