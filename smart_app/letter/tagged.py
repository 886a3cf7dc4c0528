"""A tagged PDF: every word stands in a structure that a screen reader follows, every ornament is marked as one.

PDF/UA-1 (ISO 14289-1) and ISO 32000-1 section 14.8. fpdf2 builds the tree; what belongs to it is said here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

from fpdf import FPDF, ViewerPreferences
from fpdf.structure_tree import StructElem

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<pdfuaid:part>1</pdfuaid:part></rdf:Description></rdf:RDF></x:xmpmeta>"""


class Tagged(FPDF):
    """Text is a paragraph unless `element` says otherwise; lines, grounds and drawings are ornaments.

    Nothing marked may reach over the end of a page: whoever writes makes sure of the room before.
    """

    def __init__(self, **form: Any) -> None:
        super().__init__(**form)
        self._kind = "P"
        self._element: StructElem | None = None
        self._open = False
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)

    def set_title(self, title: str) -> None:
        """The title of the document, in both of its places."""
        super().set_title(title)
        self.set_xmp_metadata(XMP.format(title=escape(title)))

    @contextmanager
    def element(self, kind: str) -> Iterator[None]:
        """What is written in here is one element: H1, H2, P, or Artifact for what is no content."""
        before = self._kind, self._element
        self._kind, self._element = kind, None
        try:
            yield
        finally:
            self._kind, self._element = before

    def cell(self, *place: Any, **more: Any) -> Any:
        """Text, marked as the element it belongs to."""
        with self._marked(self._kind):
            return super().cell(*place, **more)

    def text(self, *place: Any, **more: Any) -> None:
        """Text at a place of its own: an ornament."""
        with self._marked("Artifact"):
            super().text(*place, **more)

    def rect(self, *place: Any, **more: Any) -> None:
        """A ground."""
        with self._marked("Artifact"):
            super().rect(*place, **more)

    def line(self, *place: Any, **more: Any) -> None:
        """A line."""
        with self._marked("Artifact"):
            super().line(*place, **more)

    def solid_arc(self, *place: Any, **more: Any) -> None:
        """A part of a disc."""
        with self._marked("Artifact"):
            super().solid_arc(*place, **more)

    @contextmanager
    def _marked(self, kind: str) -> Iterator[None]:
        if self._open or not self.page:  # fpdf2 draws some things by means of others
            yield
            return
        self._out("/Artifact BMC" if kind == "Artifact" else f"/{kind} <</MCID {self._numbered(kind)}>> BDC")
        self._open = True
        try:
            yield
        finally:
            self._open = False
            self._out("EMC")

    def _numbered(self, kind: str) -> int:
        """The number of the next mark on this page, entered in the tree under its element."""
        builder = self.struct_builder
        key = builder.spid_per_page_number.setdefault(self.page, len(builder.spid_per_page_number))
        self.pages[self.page].struct_parents = key
        if self._element is None or self._element.page_number() != self.page:
            document = builder.doc_struct_elem
            self._element = StructElem(struct_type=f"/{kind}", parent=document, kids=[], page_number=self.page)
            document.k.append(self._element)
        marks = builder.struct_tree_root.parent_tree.nums[key]
        self._element.k.append(len(marks))
        marks.append(self._element)
        return len(marks) - 1
