"""A letter over the line: one of many on the same paper."""

from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest

from storefront import create_app
from storefront.letters.post import Post
from storefront.settings import read_settings


@pytest.fixture(autouse=True, scope="module")
def _app() -> Iterator[None]:
    with create_app(read_settings({"STOREFRONT_ENV": "development"})).app_context():
        yield


def post() -> Post:
    """Give a letter without words."""
    paper = Post(
        sender="Lunaria <studio@lunaria.example>",
        reply_to="mara@lunaria.example",
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    return paper.written_to("ana@bücher.example", "<1@lunaria.example>")


def test_letters_on_the_same_paper_share_nothing_else() -> None:
    paper = post()
    one, other = (paper.written_to(f"{name}@a.example", name) for name in "xy")
    one.html = "<p>One</p>"
    one.attach("one.pdf", "application/pdf", b"1")

    seen = message_from_bytes(other.as_bytes(), policy=policy.default)

    assert (seen["To"], seen["Message-ID"]) == ("y@a.example", "y")
    assert b"One" not in other.as_bytes()
    assert list(seen.iter_attachments()) == []


def test_the_server_is_told_addresses_without_names() -> None:
    assert post().envelope() == (
        "studio@lunaria.example",
        ["ana@xn--bcher-kva.example"],
    )
