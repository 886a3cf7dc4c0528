"""The fast way into a DICOM object: only what is asked for is read from the bytes, and nothing is decoded twice.

Rule: it answers what pydicom would answer, or it raises Odd and pydicom is asked. So it knows the common ways of
writing exactly, and no others.
"""

from __future__ import annotations
