"""QR codes: a link that a phone takes over from the desk."""

from functools import lru_cache

import segno

# Dark on light in dark mode too: many readers know no other way round.
DARK, LIGHT = "#1d2547", "#fffcf4"
# A code says which of eight masks lies over it, and readers take any. To choose the one
# of the fewest blots, all are drawn and compared: a third of making an order's page.
MASK = 2


# An order's page is drawn several times in its first minutes.
@lru_cache(maxsize=512)
def qr_code(url: str) -> str:
    """Draw a link as a picture in an address of its own (data:), for an <img>."""
    return segno.make_qr(url, error="l", mask=MASK).svg_data_uri(
        dark=DARK,
        light=LIGHT,
        omitsize=True,
        svgclass=None,
        lineclass=None,
        encode_minimal=True,
        omit_charset=True,
    )
