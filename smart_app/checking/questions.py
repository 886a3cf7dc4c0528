"""What no published document settles, per kind of chart, and who at the hospital can say. Facts as of November 2026."""

from __future__ import annotations

WHO: dict[str, str] = {
    "epic": "the hospital's Epic team (who enable the client and its APIs)",
    "oracle": "the hospital's Oracle Health team (who enable the app for their tenant)",
    "open": "whoever runs the server",
}

QUESTIONS: dict[str, tuple[str, ...]] = {
    "epic": (
        "is the Clinical Notes write (DocumentReference.Create) granted to this client, with which note type?",
        "as which user are its notes filed, and signed at once or waiting for a clinician?",
        "how large may a note be, and is there another way in for the PDF (an HL7 v2 MDM or ORU interface)?",
        "may our own token open the DICOMweb addresses of the studies?",
    ),
    "oracle": (
        "is DocumentReference create granted to the system account, for which document type, and how large may one be?",
        "how do outside images reach your archive, since Millennium lists no ImagingStudy?",
    ),
    "open": ("which document type and which limits on size, if any, should be kept to?",),
}
