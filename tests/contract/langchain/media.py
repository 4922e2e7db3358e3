"""Small files in place of those that LangChain's suite downloads."""

from __future__ import annotations

import struct

from tests.support.pictures import png


def wav() -> bytes:
    """A hundredth of a second of silence."""
    samples = b"\0\0" * 80
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    data = struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


PDF = b"""%PDF-1.1
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


def file_at(url: str) -> bytes:
    """The file for a URL, by its ending.

    Raises:
        LookupError: If the suite asks for a file that is not known here.
    """
    for ending, content in ((".png", png()), (".jpg", png()), (".pdf", PDF), (".wav", wav())):
        if url.endswith(ending):
            return content
    raise LookupError(f"The suite downloads {url}, which has no file in {__name__}.")
