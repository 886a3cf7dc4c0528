"""The practice's post: a mail server on loopback that delivers to nobody and keeps every letter to look at."""

from __future__ import annotations

import email
import email.policy
import re
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from smart_app.sandbox.journal import Journal

_LINK = re.compile(r"https?://[^\s<>\"')\]]+")


@dataclass(frozen=True)
class Letter:
    """One letter as its reader sees it."""

    number: int
    to: str
    sender: str
    subject: str
    at: str
    text: str

    @property
    def links(self) -> list[str]:
        """Every address in the text, in order."""
        return [found.rstrip(".,;") for found in _LINK.findall(self.text)]

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """The text cut at its links: (words, link), either may be empty."""
        pieces, at = [], 0
        for found in _LINK.finditer(self.text):
            link = found.group().rstrip(".,;")
            pieces.append((self.text[at : found.start()], link))
            at = found.start() + len(link)
        return [*pieces, (self.text[at:], "")]


class Mailbox:
    """Every letter sent, oldest first, kept in a journal. `port` None takes none in by SMTP."""

    def __init__(self, path: Path, host: str, port: int | None) -> None:
        self._journal = Journal(path)
        self._lock = threading.Lock()
        self._letters = [Letter(**entry["letter"]) for entry in self._journal.entries()]
        self.host = host
        self.port = port
        self._controller: Any = None

    def start(self) -> None:
        """Take letters in."""
        if self.port is None or self._controller is not None:
            return
        self._controller = Controller(self, hostname=self.host, port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Take no more letters."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def letters(self, to: str = "") -> list[Letter]:
        """Every letter, or those to one address."""
        with self._lock:
            return [letter for letter in self._letters if not to or to.casefold() in letter.to.casefold()]

    def keep(self, message: EmailMessage, recipients: list[str]) -> Letter:
        """Put one letter in."""
        body = message.get_body(preferencelist=("plain", "html"))
        text = str(body.get_content()) if body is not None else ""
        with self._lock:
            letter = Letter(
                number=len(self._letters) + 1,
                to=", ".join(recipients),
                sender=str(message.get("From", "")),
                subject=str(message.get("Subject", "")),
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                text=text,
            )
            self._journal.append({"kind": "letter", "letter": asdict(letter)})
            self._letters.append(letter)
        return letter

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        """What aiosmtpd calls for each message."""
        del server, session
        message = email.message_from_bytes(envelope.content, _class=EmailMessage, policy=email.policy.default)
        self.keep(message, list(envelope.rcpt_tos))
        return "250 kept in the practice mailbox"
