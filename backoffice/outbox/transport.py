"""Handing a mail over: to a mail server by one kept connection, or to a folder on the demo.

What goes wrong is told in fixed words and a status code. A server's own text is never kept: it quotes
addresses. The words are kept in English, and are keys of the catalogues.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from backoffice.language.texts import gettext, lazy
from backoffice.settings import Settings, is_loopback

TIMEOUT = 20  # seconds for one answer of the server
# For what it says to a whole mail: it may look for viruses first. Whoever waits less long has mails delivered
# twice (RFC 5321, 4.5.3.2.6).
PATIENCE = 600
CLOSING, DONE, GO_ON = 421, 250, 354
# Good answers to from whom, to whom, and to that the words come.
_TAKEN = ((DONE,), (DONE, 251), (GO_ON,))
_BEGINS_WITH_A_DOT = re.compile(rb"(?m)^\.")
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
        """Hand over one mail to a bare address; `name` is its public identifier. Raises `NotSent`."""

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
        try:
            connection.hand_over(content, sender=self._sender, to=to, name=name)
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
            alive = self._connection.noop()[0] == DONE
        except (smtplib.SMTPException, OSError):
            alive = False
        if not alive:
            self.close()

    def _connected(self) -> "_Patient":
        if self._connection is None or self._connection.sock is None:
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
            return Temporary(REFUSED_MAIL, code)
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

    def hand_over(self, content: bytes, *, sender: str, to: str, name: str) -> None:
        """One mail to one bare address. Raises what `sendmail` does, and takes half of its processor's time.

        That one takes addresses apart and goes over each line of the words. It also waits for the answer to
        each of three commands, where a server that offers it (RFC 2920) takes them in one.
        """
        self.unanswered = False
        about, reports = f" SIZE={len(content)}" if self.has_extn("size") else "", ""
        if self.has_extn("dsn"):
            # By RFC 3461: should it come back, then with its headers alone, and not for a delay.
            about, reports = f"{about} RET=HDRS ENVID={name}", " NOTIFY=FAILURE"
        answers = self._asked(f"MAIL FROM:<{sender}>{about}", f"RCPT TO:<{to}>{reports}", "DATA")
        for place, (answer, taken) in enumerate(zip(answers, _TAKEN, strict=False)):
            if answer[0] not in taken:
                self._called_off(answers)
                raise _refusal(place, answer, sender=sender, to=to)
        code, said = self._words(content)
        if code != DONE:
            self._called_off([(code, said)])
            raise smtplib.SMTPDataError(code, said)

    def _asked(self, *commands: str) -> list[tuple[int, bytes]]:
        """The answers to these commands, up to the one that stops us."""
        together = self.has_extn("pipelining")
        if together:
            self._say(*commands)
        answers: list[tuple[int, bytes]] = []
        for command, taken in zip(commands, _TAKEN, strict=True):
            if not together:
                self._say(command)
            try:
                answers.append(self.getreply())
            except smtplib.SMTPException:
                refused = any(answer[0] not in each for answer, each in zip(answers, _TAKEN, strict=False))
                if not refused:
                    raise
                # It has said no already, and does not wait for us to hear the rest.
                self.close()
                break
            code = answers[-1][0]
            # After a good-bye nothing more comes. What was said already is answered else, whatever it was.
            if code == CLOSING or (code not in taken and not together):
                break
        return answers

    def _say(self, *commands: str) -> None:
        if any("\r" in each or "\n" in each for each in commands):
            raise ValueError("A command is one line.")
        self.send("".join(f"{each}\r\n" for each in commands))

    def _called_off(self, answers: list[tuple[int, bytes]]) -> None:
        """Nothing of this mail is to stay with the server, so that the next one can begin."""
        if any(code in {CLOSING, GO_ON} for code, _said in answers):
            # It waits for words though it refused the rest: a mail without any is not to come of it.
            self.close()
            return
        if self.sock is not None:
            with suppress(smtplib.SMTPException):
                self.rset()

    def _words(self, content: bytes) -> tuple[int, bytes]:
        if content.startswith(b".") or b"\n." in content:
            content = _BEGINS_WITH_A_DOT.sub(b"..", content)
        self.unanswered = True
        self._wait(self.patience)
        try:
            self.send(content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"))
            answer = self.getreply()
        finally:
            self._wait(self.timeout)
        self.unanswered = False
        return answer

    def _wait(self, seconds: float) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)


def _refusal(place: int, answer: tuple[int, bytes], *, sender: str, to: str) -> smtplib.SMTPException:
    code, said = answer
    if place == 0:
        return smtplib.SMTPSenderRefused(code, said, sender)
    return smtplib.SMTPRecipientsRefused({to: answer}) if place == 1 else smtplib.SMTPDataError(code, said)


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
        # Encrypted, it may offer more than it did before.
        connection.ehlo_or_helo_if_needed()
    except BaseException:
        connection.close()
        raise
    return connection
