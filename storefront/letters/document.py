"""A printed document, before anything is drawn on it."""

from datetime import datetime
from io import BytesIO

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

# The file goes out as bytes, and needs no writing in letters.
rl_config.useA85 = 0


def begin_document(
    file: BytesIO,
    paper: tuple[float, float],
    title: str,
    author: str,
    language: str,
    made: datetime,
    **more: str,
) -> Canvas:
    """Begin a document: the same drawing gives the same bytes.

    :param paper: its width and height in millimetres.
    :param made: in UTC.
    :param more: goes on to the canvas.
    """
    width, height = paper
    canvas = Canvas(
        file,
        pagesize=(width * mm, height * mm),
        pageCompression=1,
        invariant=1,
        lang=language,
        **more,
    )
    canvas.setTitle(title)
    canvas.setSubject(title)
    canvas.setAuthor(author)
    canvas.setCreator(author)
    canvas.setDateFormatter(lambda *_: f"D:{made:%Y%m%d%H%M%S}+00'00'")
    canvas.setViewerPreference("DisplayDocTitle", "true")
    return canvas
