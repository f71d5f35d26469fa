"""The pages that search engines shall know, each with its other languages."""

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as Xml

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
XHTML = "http://www.w3.org/1999/xhtml"


def sitemap(pages: Iterable[Mapping[str, str]]) -> bytes:
    """Write the sitemap of pages, each given as its addresses by language.

    The first language is the one for whoever speaks none of them.
    """
    Xml.register_namespace("", SITEMAP)
    Xml.register_namespace("xhtml", XHTML)
    root = Xml.Element(f"{{{SITEMAP}}}urlset")
    for addresses in pages:
        default = next(iter(addresses.values()))
        for address in addresses.values():
            entry = Xml.SubElement(root, f"{{{SITEMAP}}}url")
            Xml.SubElement(entry, f"{{{SITEMAP}}}loc").text = address
            for language, other in {**addresses, "x-default": default}.items():
                Xml.SubElement(
                    entry,
                    f"{{{XHTML}}}link",
                    {"rel": "alternate", "hreflang": language, "href": other},
                )
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
