"""One threat of the threat model: where it strikes, of which kind, what stops it, and the test that sees it stopped."""

from __future__ import annotations

from dataclasses import dataclass

STRIDE = {
    "S": "Spoofing",
    "T": "Tampering",
    "R": "Repudiation",
    "I": "Information disclosure",
    "D": "Denial of service",
    "E": "Elevation of privilege",
}


@dataclass(frozen=True)
class Threat:
    """`where` is "path:function"; `test` "path::name". `without` takes the guard out (a piece of its source, and what
    stands there instead); None where no single piece is the guard.
    """

    flow: str
    kind: str  # a letter of STRIDE
    threat: str
    where: str
    test: str
    without: tuple[str, str] | None = None

    @property
    def path(self) -> str:
        """The file of the guard."""
        return self.where.partition(":")[0]

    @property
    def rule(self) -> str:
        """How a list of guards names it."""
        return f"{self.flow}, {self.kind}"


U, C = "tests/unit/", "tests/contract/"
W = "smart_app/web/"
