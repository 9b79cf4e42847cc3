"""Handing a mail over: to a mail server by one kept connection, or to a folder on the demo.

What goes wrong is told in fixed words and a status code. A server's own text is never kept: it quotes
addresses. The words are kept in English, and are keys of the catalogues.
"""

import smtplib
import ssl
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from backoffice.language.texts import gettext, lazy
from backoffice.settings import Settings, is_loopback

TIMEOUT = 20  # seconds for one answer of the server
# For what it says to a whole mail: it may look for viruses first. Whoever waits less long has mails delivered
# twice (RFC 5321, 4.5.3.2.6).
PATIENCE = 600
CLOSING = 421
# Of a mail's sender, and yet about the mail: too large, or asked for in a way that the server does not know.
ABOUT_THE_MAIL = (552, 555)


REFUSED_PASSWORD = lazy("the mail server refused our password")
NOT_ENCRYPTED = lazy("the mail server does not encrypt as it should")
NOT_READY = lazy("the mail server is not ready")
NO_ANSWER = lazy("the mail server does not answer")
REFUSED_RECIPIENT = lazy("the recipient was refused")
REFUSED_SENDER = lazy("our address was refused")
REFUSED_MAIL = lazy("the mail was refused")
NO_SUCH_ADDRESS = lazy("the mail server takes no such address")
SILENT = lazy("the mail server fell silent")
CUT = lazy("the connection was cut")
NO_FOLDER = lazy("the folder for mails cannot be written")


class NotSent(Exception):
    """The mail was not taken. `reason` says why, naming nobody.

    `maybe_taken` of one that was handed over, and the server's answer never came: it may arrive twice.
    """

    maybe_taken = False

    def __init__(self, words: str, code: int | None = None) -> None:
        english = str.__str__(words)
        self.reason = english if code is None else f"{english} ({code})"
        super().__init__(self.reason)


class Permanent(NotSent):
    """It never will be."""


class Temporary(NotSent):
    """It may be later. Other mails may go through now."""


class Unreachable(NotSent):
    """No mail goes through now, and that is not this one's fault."""


class TimedOut(NotSent):
    """The server fell silent over this mail; the next one would have to wait as long."""


class Transport(Protocol):
    """A way out for mails."""

    def send(self, content: bytes, *, to: str, name: str) -> None:
        """Hand over one mail; `name` is its public identifier. Raises `NotSent`."""

    def check(self) -> None:
        """After a pause: let go of a connection that has died meanwhile."""

    def close(self) -> None:
        """Let go of the connection; the next mail opens it again."""


class Smtp:
    """A mail server. The connection is kept from mail to mail and opened anew when it is gone.

    `sender` is whom it tells that a mail came back: the return address, which may be another than the mail's.
    """

    def __init__(
        self, url: str, *, sender: str, timeout: float = TIMEOUT, patience: float = PATIENCE
    ) -> None:
        self._url, self._timeout, self._patience = urlsplit(url), timeout, patience
        self._sender = parseaddr(sender)[1]
        self._connection: _Patient | None = None

    def send(self, content: bytes, *, to: str, name: str) -> None:
        """Hand over one mail. Raises `NotSent`."""
        connection = self._connected()
        # By RFC 3461: should it come back, then with its headers alone, and not for a delay.
        asked = (
            {"mail_options": ("RET=HDRS", f"ENVID={name}"), "rcpt_options": ("NOTIFY=FAILURE",)}
            if connection.has_extn("dsn")
            else {}
        )
        try:
            connection.sendmail(self._sender, [to], content, **asked)
        except (OSError, UnicodeError) as error:  # what smtplib raises of its own is an OSError
            judged = self._judged(error)
            judged.maybe_taken = connection.unanswered
            raise judged from None

    def close(self) -> None:
        """Say good-bye to the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def check(self) -> None:
        """Find out, after a pause, whether the kept connection still lives; drop it if not."""
        if self._connection is None:
            return
        try:
            alive = self._connection.noop()[0] == 250  # noqa: PLR2004 - done, says RFC 5321
        except (smtplib.SMTPException, OSError):
            alive = False
        if not alive:
            self.close()

    def _connected(self) -> "_Patient":
        if self._connection is None:
            try:
                self._connection = _connect(self._url, self._timeout)
                self._connection.patience = self._patience
            except smtplib.SMTPAuthenticationError as error:
                raise Unreachable(REFUSED_PASSWORD, error.smtp_code) from None
            except (smtplib.SMTPNotSupportedError, ssl.SSLError):
                raise Unreachable(NOT_ENCRYPTED) from None
            except smtplib.SMTPResponseException as error:
                raise Unreachable(NOT_READY, error.smtp_code) from None
            except (OSError, smtplib.SMTPException):
                raise Unreachable(NO_ANSWER) from None
        return self._connection

    def _judged(self, error: Exception) -> NotSent:
        """What an error says about the mail; lets go of a connection that is of no more use."""
        match error:
            case smtplib.SMTPRecipientsRefused():
                code = next(iter(error.recipients.values()))[0]
                return self._by_code(code, REFUSED_RECIPIENT)
            case smtplib.SMTPSenderRefused():
                return self._judged_sender(error.smtp_code)
            case smtplib.SMTPResponseException():
                return self._by_code(error.smtp_code, REFUSED_MAIL)
            case smtplib.SMTPNotSupportedError() | UnicodeError():
                return Permanent(NO_SUCH_ADDRESS)
        self.close()
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            return TimedOut(SILENT)
        return Temporary(CUT)

    def _judged_sender(self, code: int) -> NotSent:
        if code in ABOUT_THE_MAIL:
            return Permanent(REFUSED_MAIL, code)
        # Ours to mend, and not the mail's fault.
        self.close()
        return Unreachable(REFUSED_SENDER, code)

    def _by_code(self, code: int, words: str) -> NotSent:
        if code == CLOSING:
            self.close()
        return (Permanent if code >= 500 else Temporary)(words, code)  # noqa: PLR2004 - 5yz is for good


class Folder:
    """A folder that takes mails as files, for the demo."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, content: bytes, *, to: str, name: str) -> None:
        """Write one mail. Raises `Unreachable` for a folder that cannot be written."""
        del to
        path = self._folder / f"{name}.eml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.replace(path)
        except OSError:
            raise Unreachable(NO_FOLDER) from None

    def close(self) -> None:
        """Nothing is open."""

    def check(self) -> None:
        """Nothing can have gone."""


def in_words(reason: str) -> str:
    """Why a mail was not taken, in the language that is spoken."""
    words, bracket, code = reason.partition(" (")
    return f"{gettext(words)}{bracket}{code}"


def open_transport(settings: Settings) -> Transport | None:
    """The way out that the settings name, or None without one."""
    if settings.smtp_url is None:
        return None
    if settings.mail_folder is not None:
        return Folder(settings.mail_folder)
    assert settings.return_address is not None
    return Smtp(settings.smtp_url.get_secret_value(), sender=settings.return_address)


class _Patient(smtplib.SMTP):
    """Waits longer for the answer to a mail than for any other, and knows whether it came."""

    patience: float = PATIENCE
    unanswered = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand over the words of a mail."""
        self.unanswered = True
        self._wait(self.patience)
        try:
            answer = super().data(msg)
        except smtplib.SMTPDataError:
            # It wants none of them.
            self.unanswered = False
            raise
        finally:
            self._wait(self.timeout)
        self.unanswered = False
        return answer

    def _wait(self, seconds: float) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)


class _PatientEncrypted(_Patient, smtplib.SMTP_SSL):
    """Encrypted from the first byte on."""


def _connect(url: SplitResult, timeout: float) -> _Patient:
    """Connect, encrypt and log in. Across a network nothing is said in the clear."""
    host = url.hostname or ""
    if url.scheme == "smtps":
        connection: _Patient = _PatientEncrypted(
            host, url.port or 465, timeout=timeout, context=ssl.create_default_context()
        )
    else:
        connection = _Patient(host, url.port or 587, timeout=timeout)
    try:
        connection.ehlo_or_helo_if_needed()
        if url.scheme == "smtp" and (connection.has_extn("starttls") or not is_loopback(host)):
            connection.starttls(context=ssl.create_default_context())
        if url.username:
            connection.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        connection.close()
        raise
    return connection
