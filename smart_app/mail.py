"""Invitations and notices by e-mail. Rule: no clinical content, ever.

A letter says that something waits and where to sign in. It holds no name of a patient, no birth date, no question,
no opinion, no image and no file name, since e-mail is read on the way, in previews and by whoever shares the inbox.

    MailError
    ├── MailUnavailable   the mail server cannot take it now; may be retried
    └── MailRefused       the address or the letter was refused for good
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_LINES
from email.utils import make_msgid

TIMEOUT = 20.0
"""Seconds the mail server may keep us waiting at each step."""

SMTPS_PORT = 465


class MailError(Exception):
    """The letter was not taken. The message holds neither address nor text."""

    retry = False


class MailUnavailable(MailError):
    """The mail server is away, busy, or says "later" (4xx)."""

    retry = True


class MailRefused(MailError):
    """The mail server said no (5xx), or the address is none."""


@dataclass(frozen=True)
class Letter:
    """One message to one address. `html` may repeat `text` with formatting, and says nothing more."""

    to: str
    subject: str
    text: str
    html: str = ""


def smtp_sender(
    host_port: str, sender: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[Letter], None]:
    """A function that sends one letter over SMTP and returns once the server has taken it.

    `host_port` is "host:port". Port 465 speaks TLS from the start, with a checked certificate; elsewhere STARTTLS is
    used where it is offered. The function raises MailUnavailable and MailRefused. Raises ValueError for a bad setting.
    """
    host, separator, port = host_port.rpartition(":")
    if not separator or not host or not port.isdigit() or "@" not in sender:
        raise ValueError("mail needs a server as host:port and a sender as name@domain")
    domain = sender.rpartition("@")[2].strip(">")

    def send(letter: Letter) -> None:
        message = compose(letter, sender, now())
        try:
            with _connect(host.strip("[]"), int(port), domain) as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
            raise _verdict(min(codes, default=550)) from refused
        except smtplib.SMTPResponseException as refused:
            raise _verdict(refused.smtp_code) from refused
        except smtplib.SMTPNotSupportedError as problem:
            raise MailRefused("The mail server cannot write to that address.") from problem
        except (OSError, smtplib.SMTPException) as problem:
            raise MailUnavailable(f"The mail server cannot be reached ({type(problem).__name__}).") from problem

    return send


def compose(letter: Letter, sender: str, at: datetime) -> EmailMessage:
    """The letter as a message (RFC 5322). Raises MailRefused unless `to` is exactly one address."""
    message = EmailMessage(policy=SMTP_LINES)
    try:
        message["From"] = sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        recipients = message["To"].addresses
    except (ValueError, IndexError, HeaderParseError) as problem:
        raise MailRefused("The address or the subject of the letter is malformed.") from problem
    if len(recipients) != 1 or not recipients[0].domain or message["To"].defects:
        raise MailRefused("A letter goes to exactly one address.")
    message["Date"] = at
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip(">"))
    # RFC 3834: keeps out-of-office notes from coming back.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    return message


def _connect(host: str, port: int, domain: str) -> smtplib.SMTP:
    if port == SMTPS_PORT:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, local_hostname=domain, timeout=TIMEOUT, context=context)
    server = smtplib.SMTP(host, port, local_hostname=domain, timeout=TIMEOUT)
    try:
        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls"):
            # The relay in the house often signs its own certificate; encrypted to it is still better than in the
            # clear (RFC 7435), and a letter holds nothing clinical.
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _verdict(code: int) -> MailError:
    if code < 500:
        return MailUnavailable(f"The mail server asks to try again later (code {code}).")
    return MailRefused(f"The mail server refused the letter (code {code}).")
