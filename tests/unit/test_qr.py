"""QR codes: a chat that the phone beside a desk takes over."""

import xml.etree.ElementTree as ET
from html import unescape
from urllib.parse import quote, unquote

import pytest
import segno
from flask import render_template_string
from hypothesis import given
from hypothesis import strategies as st

from storefront import create_app
from storefront.settings import read_settings
from storefront.web.qr import qr_code

CHAT = f"https://wa.me/351900111222?text={quote('Hello, I am interested in Łódź.')}"


def drawing(url: str) -> ET.Element:
    """Give the code's SVG."""
    kind, _, svg = qr_code(url).partition(",")
    assert kind == "data:image/svg+xml"
    return ET.fromstring(unquote(svg))  # noqa: S314 - of our own making


def test_it_is_dark_on_light_with_a_quiet_rim_in_any_colour_scheme() -> None:
    svg = drawing(CHAT)

    plate, modules = svg
    assert (plate.get("fill"), modules.get("stroke")) == ("#fffcf4", "#1d2547")
    side = segno.make_qr(CHAT, error="l").symbol_size(border=4)[0]
    assert svg.get("viewBox") == f"0 0 {side} {side}"
    # Four modules of nothing on every side: what readers ask for (ISO/IEC 18004).
    assert (modules.get("d") or "").startswith("M4 4.5h7")


def test_it_is_small() -> None:
    assert len(qr_code(CHAT)) < 4_000


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=120))
def test_any_product_can_be_asked_about(name: str) -> None:
    text = quote(f"Hello Lunaria, I am interested in {name}.", safe="")
    drawing(f"https://wa.me/351900111222?text={text}")


@pytest.mark.parametrize("number", ["", "351900111222"])
def test_it_stands_beside_the_link_as_text(number: str) -> None:
    settings = read_settings(
        {"STOREFRONT_ENV": "development", "WHATSAPP_NUMBER": number}
    )
    with create_app(settings).test_request_context("/"):
        html = render_template_string(
            "{% from 'macros/chat.html' import scan %}"
            "{% set chat = whatsapp('Hello') %}{% if chat %}{{ scan(chat) }}{% endif %}"
        )

    assert bool(html) == bool(number)
    if number:
        assert f'src="{qr_code("https://wa.me/351900111222?text=Hello")}"' in unescape(
            html
        )
        assert 'href="https://wa.me/351900111222?text=Hello"' in html
        assert ">wa.me/351900111222</a>" in html
