"""Letters, against a real mail server on loopback."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from smart_app.mail import Letter, MailError, MailRefused, MailUnavailable, smtp_sender

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
SENDER = "Second Opinion <no-reply@opinion.example.org>"


class Box:
    """Keeps what arrives; answers as a test asks."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], EmailMessage]] = []
        self.at_recipient = "250 OK"
        self.at_data = "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.at_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.at_data.startswith("250"):
            self.letters.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        return self.at_data


@pytest.fixture
def box() -> Iterator[tuple[Box, str]]:
    box = Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"127.0.0.1:{port}"
    controller.stop()


def test_a_letter_arrives_as_written(box: tuple[Box, str]) -> None:
    """Text and HTML say the same, in any script; the headers keep robots from answering."""
    kept, address = box
    send = smtp_sender(address, SENDER, now=lambda: NOW)
    send(Letter("zoe@example.org", "Ihre Bilder – 画像", "Grüße\n.\nEnd", "<p>Grüße</p>"))
    ((recipients, message),) = kept.letters
    assert recipients == ["zoe@example.org"]
    assert message["Subject"] == "Ihre Bilder – 画像"
    assert message["From"] == SENDER
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@opinion.example.org>")
    assert message.get_body(("plain",)).get_content().splitlines() == ["Grüße", ".", "End"]
    assert "<p>Grüße</p>" in message.get_body(("html",)).get_content()


def test_a_letter_without_html_is_plain_text(box: tuple[Box, str]) -> None:
    kept, address = box
    smtp_sender(address, SENDER)(Letter("a@example.org", "s", "words"))
    assert kept.letters[0][1].get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("where", "answer", "expected"),
    [
        ("at_recipient", "550 No such user", MailRefused),
        ("at_recipient", "450 Greylisted", MailUnavailable),
        ("at_data", "554 Refused", MailRefused),
        ("at_data", "451 Later", MailUnavailable),
    ],
)
def test_later_and_never_are_told_apart(
    box: tuple[Box, str], where: str, answer: str, expected: type[MailError]
) -> None:
    """4xx may be tried again, 5xx needs a person."""
    kept, address = box
    setattr(kept, where, answer)
    with pytest.raises(expected) as caught:
        smtp_sender(address, SENDER)(Letter("a@example.org", "s", "words"))
    assert type(caught.value) is expected
    assert caught.value.retry is (expected is MailUnavailable)
    assert "a@example.org" not in str(caught.value)
    assert kept.letters == []


def test_a_mail_server_that_is_away_may_be_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MailUnavailable):
        smtp_sender(f"127.0.0.1:{port}", SENDER)(Letter("a@example.org", "s", "words"))


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("", "s"),
        ("nobody", "s"),
        ("a@example.org, b@example.org", "s"),
        ("a@example.org\r\nBcc: b@example.org", "s"),
        ("a@example.org", "s\r\nBcc: b@example.org"),
        ("<a@example.org", "s"),
        ("a@", "s"),
    ],
)
def test_a_letter_to_anything_but_one_address_never_leaves(box: tuple[Box, str], to: str, subject: str) -> None:
    """An address typed by somebody must not add recipients or headers."""
    kept, address = box
    with pytest.raises(MailRefused):
        smtp_sender(address, SENDER)(Letter(to, subject, "words"))
    assert kept.letters == []


@pytest.mark.parametrize(
    ("server", "sender"), [("mail", SENDER), (":25", SENDER), ("mail:x", SENDER), ("mail:25", "me")]
)
def test_a_setting_that_cannot_work_is_refused_at_the_start(server: str, sender: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        smtp_sender(server, sender)
