"""Every setting, read once from the environment into one frozen record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "SECOND_OPINION_"

SETTINGS: tuple[tuple[str, str | None, str], ...] = (
    ("BASE_URL", None, "Where people reach this app, e.g. https://opinion.example.org (no trailing slash)"),
    ("DATA", None, "Folder for staging, keys and, unless set otherwise, database and archive"),
    ("DIRECTORY", "", "TOML file with sites and reading organisations; default DATA/directory.toml"),
    ("DATABASE_URL", "", "SQLAlchemy URL; default SQLite in DATA"),
    (
        "QUEUE_URL",
        "",
        "SQLAlchemy URL of the durable queue (DBOS); default: the PostgreSQL database, else SQLite in DATA",
    ),
    ("ARCHIVE", "", "file: URL or folder of the embedded archive; default DATA/archive"),
    ("SECRET", None, "Key that encrypts tokens at rest and signs links: 32 or more random characters"),
    (
        "OLD_SECRETS",
        "",
        "Secrets used before, newest first, with blanks between; `second-opinion keys reseal` ends them",
    ),
    ("SMTP", "", "host:port of the mail server; without it notices wait in the outbox"),
    ("MAIL_FROM", "second-opinion@localhost", "Sender of every notice"),
    ("PRACTICE", "", "1 allows loopback EHRs, http and the practice banner; never in production"),
    ("VIEWER", "", "Folder of the packed viewer; default: the versioned cache that `make viewer` fills"),
    ("MAX_UPLOAD_MB", "4096", "Largest upload of one referral, in megabytes"),
    ("MAX_FILES", "50000", "Most files of one upload, those inside ZIPs and disc images counted one by one"),
    ("MAX_FILE_MB", "4096", "Largest single file, in megabytes"),
    ("MAX_RATIO", "200", "How many times its own size a ZIP may unpack to"),
    ("MAX_NESTING", "1", "How deep ZIPs and disc images may lie in one another"),
    (
        "SCANNER",
        "",
        "clamd that sees every report: unix:PATH or tcp:HOST:PORT; without it none is asked",
    ),
    ("OCR", "", "Program that reads text in pictures, e.g. tesseract; it can raise a doubt, never clear one"),
    ("METRICS_TOKEN", "", "Bearer token that /metrics asks for; without one it is closed outside the practice mode"),
    ("WORKER", "worker-0", "Fixed executor id of this worker process"),
)
"""(name, default or None if it must be given, what it is). README's table is compared with this."""

NUMBERS = ("MAX_UPLOAD_MB", "MAX_FILES", "MAX_FILE_MB", "MAX_RATIO", "MAX_NESTING")


class SettingsIncomplete(Exception):
    """The app cannot start; the message names each setting that is missing or wrong."""


@dataclass(frozen=True)
class Settings:
    """How this installation is set up."""

    base_url: str
    data: Path
    directory: Path
    database_url: str
    queue_url: str
    archive: Path
    secret: str
    smtp: str
    mail_from: str
    practice: bool
    viewer: Path
    max_upload_mb: int
    worker: str
    max_files: int = 50_000
    max_file_mb: int = 4096
    max_ratio: int = 200
    max_nesting: int = 1
    scanner: str = ""
    ocr: str = ""
    metrics_token: str = ""
    old_secrets: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret that seals and signs now, then those whose work must still open."""
        return (self.secret, *self.old_secrets)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check. Raises SettingsIncomplete with every fault at once."""
    values = {name: environ.get(PREFIX + name, default or "").strip() for name, default, _ in SETTINGS}
    faults = [
        f"{PREFIX}{name} is missing: {what}" for name, default, what in SETTINGS if default is None and not values[name]
    ]
    if values["SECRET"] and len(values["SECRET"]) < 32:
        faults.append(f"{PREFIX}SECRET is too short: give 32 or more random characters")
    practice = values["PRACTICE"] == "1"
    if values["BASE_URL"] and not practice and not values["BASE_URL"].startswith("https://"):
        faults.append(f"{PREFIX}BASE_URL must start with https:// outside the practice mode")
    faults += [f"{PREFIX}{name} must be a whole number" for name in NUMBERS if not values[name].isdecimal()]
    if values["SCANNER"] and not values["SCANNER"].startswith(("unix:", "tcp:")):
        faults.append(f"{PREFIX}SCANNER must be unix:PATH or tcp:HOST:PORT")
    if faults:
        raise SettingsIncomplete("\n".join(faults))
    data = Path(values["DATA"]).absolute()
    database_url = values["DATABASE_URL"] or f"sqlite:///{data / 'second-opinion.db'}"
    beside = database_url if database_url.startswith("postgresql") else f"sqlite:///{data / 'queue.db'}"
    return Settings(
        base_url=values["BASE_URL"].rstrip("/"),
        data=data,
        directory=Path(values["DIRECTORY"] or data / "directory.toml"),
        database_url=database_url,
        queue_url=values["QUEUE_URL"] or beside,
        archive=Path(values["ARCHIVE"].removeprefix("file:") or data / "archive"),
        secret=values["SECRET"],
        old_secrets=tuple(values["OLD_SECRETS"].split()),
        smtp=values["SMTP"],
        mail_from=values["MAIL_FROM"],
        practice=practice,
        viewer=Path(values["VIEWER"] or default_viewer()),
        max_upload_mb=int(values["MAX_UPLOAD_MB"]),
        worker=values["WORKER"],
        max_files=int(values["MAX_FILES"]),
        max_file_mb=int(values["MAX_FILE_MB"]),
        max_ratio=int(values["MAX_RATIO"]),
        max_nesting=int(values["MAX_NESTING"]),
        scanner=values["SCANNER"],
        ocr=values["OCR"],
        metrics_token=values["METRICS_TOKEN"],
    )


def default_viewer() -> Path:
    """The versioned, git-ignored cache that holds the packed viewer: beside the checkout, else in the user's cache."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").exists():
        return checkout / ".viewer" / "ohif-3.13.2"
    return Path.home() / ".cache" / "second-opinion" / "ohif-3.13.2"
