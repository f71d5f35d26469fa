"""A letter over the line: what Flask-Mail would have written, byte for byte."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.policy import compat32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront import create_app
from storefront.letters.post import Post
from storefront.settings import read_settings

# As they were encoded once, which is what arrives as it was written.
AS_ENCODED = compat32.clone(linesep="\r\n", max_line_length=None)
LINE_BETWEEN = re.compile(rb"={15}\d+==|(?<=[-\"])[0-9a-f]{32}(?=[-\"\r])")
# No half of a pair, which no database holds.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@pytest.fixture(autouse=True, scope="module")
def _app() -> Iterator[None]:
    with create_app(read_settings({"STOREFRONT_ENV": "development"})).app_context():
        yield


def post(sender: str = "Lunaria <studio@lunaria.example>") -> Post:
    """Give a letter without words."""
    paper = Post(
        sender=sender,
        reply_to="mara@lunaria.example",
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    letter = paper.written_to("ana@bücher.example", "<1@lunaria.example>")
    letter.date = 1790000000.0
    return letter


def by_flask_mail(letter: Post) -> bytes:
    """Write a letter as Flask-Mail does."""
    return letter._message().as_bytes(policy=AS_ENCODED)


def same_lines_between(content: bytes) -> bytes:
    """Take the chance out of a letter."""
    return LINE_BETWEEN.sub(b"BETWEEN", content)


@pytest.mark.parametrize("sender", ["studio@lunaria.example", "Lunária <a@b.example>"])
@given(TEXT, TEXT, TEXT, st.lists(st.tuples(TEXT, st.binary()), max_size=2))
def test_it_is_what_flask_mail_writes(
    sender: str, subject: str, body: str, html: str, files: list[tuple[str, bytes]]
) -> None:
    letter = post(sender)
    letter.subject = " ".join(subject.split())
    letter.body, letter.html = body, html
    for name, content in files:
        safe = "".join(sign if sign.isalnum() else "-" for sign in name)
        letter.attach(f"{safe}.pdf", "application/pdf", content)

    ours, theirs = letter.as_bytes(), by_flask_mail(letter)

    assert same_lines_between(ours) == same_lines_between(theirs)


def test_nobody_can_foresee_the_line_between_its_parts() -> None:
    letter = post()

    first, second = (set(LINE_BETWEEN.findall(letter.as_bytes())) for _ in range(2))

    assert len(first) == len(second) == 2
    assert not first & second


def test_letters_on_the_same_paper_share_nothing_else() -> None:
    paper = post()
    one, other = (paper.written_to(f"{name}@a.example", name) for name in "xy")
    one.html = "<p>One</p>"
    one.attach("one.pdf", "application/pdf", b"1")

    seen = message_from_bytes(other.as_bytes(), policy=policy.default)

    assert seen["To"] == "y@a.example"
    assert b"One" not in other.as_bytes()
    assert list(seen.iter_attachments()) == []


def test_the_server_is_told_addresses_without_names() -> None:
    assert post().envelope() == (
        "studio@lunaria.example",
        ["ana@xn--bcher-kva.example"],
    )
