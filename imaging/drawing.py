"""The process that decodes and draws one frame: `python -m imaging.drawing FILE FRAME SIZE`, a JPEG on standard output.

Rule: limits are set before any decoder is loaded. Ends with 3 for a picture that is too large, 4 for a missing frame.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from imaging.confined import confine
from imaging.pixels import MOST_PIXELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

TOO_LARGE, NO_FRAME, UNREAD = 3, 4, 5
QUALITY = 85


def draw(path: str, frame: int, size: int) -> bytes:
    """The JPEG. Ends the process where the picture is too large or the frame is not there."""
    import pydicom
    from PIL import Image

    dataset = pydicom.dcmread(path, force=True)
    if int(dataset.Rows) * int(dataset.Columns) > MOST_PIXELS:
        sys.exit(TOO_LARGE)
    if not 1 <= frame <= int(dataset.get("NumberOfFrames") or 1):
        sys.exit(NO_FRAME)
    picture = Image.fromarray(_grey_or_colour(dataset, _stored(path, dataset, frame - 1)))
    picture.thumbnail((size, size))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"


def _stored(path: str, dataset: Dataset, index: int) -> NDArray[Any]:
    from pydicom.pixels.utils import pixel_array

    if str(dataset.file_meta.get("TransferSyntaxUID")) == JPEG_EXTENDED and int(dataset.BitsStored) > 8:
        return _twelve_bits(path, dataset, index)
    return pixel_array(dataset, index=index)


def _twelve_bits(path: str, dataset: Dataset, index: int) -> NDArray[Any]:
    """JPEG of 12 bits, which pydicom's plugins refuse and GDCM reads when it is asked itself."""
    import gdcm
    import numpy as np

    reader = gdcm.ImageReader()
    reader.SetFileName(path)
    if not reader.Read():
        sys.exit(UNREAD)
    whole = np.frombuffer(reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape"), "<u2")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    frame = whole[index * rows * columns : (index + 1) * rows * columns]
    return frame.reshape(rows, columns)


def _grey_or_colour(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut

    kind = str(dataset.get("PhotometricInterpretation", ""))
    if kind == "PALETTE COLOR":
        return _stretched(apply_color_lut(stored, dataset))
    if stored.ndim == 3:
        return _stretched(stored)
    values = apply_modality_lut(stored, dataset)
    windowed = "WindowCenter" in dataset or "VOILUTSequence" in dataset
    if windowed:
        values = apply_voi_lut(values, dataset)
    grey = _stretched(values)
    return 255 - grey if kind == "MONOCHROME1" else grey


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Bytes over the whole range of grey; a few outliers do not set the range."""
    import numpy as np

    if values.dtype == np.uint8:
        return values
    finite = np.nan_to_num(values.astype(np.float64))
    low, high = np.percentile(finite, (0.5, 99.5))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    scaled = (finite - low) / max(float(high - low), 1e-9)
    stretched: NDArray[np.uint8] = (np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return stretched


def main() -> None:
    """Draw what the command line names."""
    confine()
    path, frame, size = sys.argv[1:4]
    sys.stdout.buffer.write(draw(path, int(frame), int(size)))


if __name__ == "__main__":
    main()
