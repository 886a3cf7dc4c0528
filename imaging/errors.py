"""What can go wrong with images.

ImagingError
├── NotDicom            the bytes are not a DICOM object we can read
├── UnsafeMedia         a disc or archive that breaks a limit; the message names the limit
├── WrongPatient        the images are of somebody else
├── UnknownProfile      no way of de-identifying has that name
├── KeyUnusable         the secret key of a de-identification cannot be read, made or trusted
├── OutputUnusable      de-identified images cannot be written to that place
├── BadPaper            a report that cannot be opened, or is locked
├── Infected            a file that a virus scanner stopped; the message names what it found
├── ScannerUnavailable  the virus scanner cannot be reached; may be retried
├── CannotDraw          a picture that is not drawn here: too large, or packed in a way we do not decode
├── NotHere             no such study, series or instance for this owner
├── ArchiveUnavailable  the archive cannot be reached; may be retried
└── ArchiveRefused      the archive answered and said no
"""

from __future__ import annotations


class ImagingError(Exception):
    """Something is wrong with the images. The message is a sentence for the person who gave them."""

    retry = False


class NotDicom(ImagingError):
    """These bytes are not a DICOM object."""


class UnsafeMedia(ImagingError):
    """Reading this would break a limit that keeps the server safe."""


class WrongPatient(ImagingError):
    """The person in the images is not the person they were given for."""


class UnknownProfile(ImagingError):
    """No de-identification profile has that name. The message lists those there are."""


class KeyUnusable(ImagingError):
    """The key file cannot be read or made, or holds too little. The message names the file and the remedy."""


class OutputUnusable(ImagingError):
    """De-identified images cannot be written there. The message names the place and the remedy."""


class BadPaper(ImagingError):
    """This report cannot be opened. `locked`: it wants a password."""

    def __init__(self, message: str, *, locked: bool = False) -> None:
        super().__init__(message)
        self.locked = locked


class Infected(ImagingError):
    """A virus scanner says that this file is harmful."""


class ScannerUnavailable(ImagingError):
    """The virus scanner that this site wants cannot be asked now: nothing passes unscanned."""

    retry = True


class CannotDraw(ImagingError):
    """This picture is not drawn here; its bytes are served all the same."""


class NotHere(ImagingError):
    """This owner has no such study, series, instance or frame."""


class ArchiveUnavailable(ImagingError):
    """The archive cannot be reached now."""

    retry = True


class ArchiveRefused(ImagingError):
    """The archive answered and said no."""
