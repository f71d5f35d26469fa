"""The mailbox: what it keeps, what its page shows, how it fails when told to."""

import smtplib
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from storefront.demo.mailbox import Mailbox, running_mailbox


def letter() -> EmailMessage:
    """Make a letter with all that a letter can have, and something nasty in each."""
    message = EmailMessage()
    message["From"] = "Studio <studio@example.com>"
    message["To"] = "Ana <ana@example.com>"
    message["Subject"] = "Receipt <script>alert(1)</script> ☾"
    message.set_content("See http://127.0.0.1:8000/orders/x or <b>javascript:x</b>")
    message.add_alternative(
        "<html><head><title>x</title></head><p>Hi<script>alert(1)</script>",
        subtype="html",
    )
    message.add_attachment(
        b"%PDF", maintype="application", subtype="pdf", filename='ré"ceipt\n.pdf'
    )
    return message


def send(mailbox: Mailbox, timeout: float = 5.0) -> None:
    """Send a letter to two people, one of them hidden."""
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, timeout=timeout) as smtp:
        smtp.send_message(letter(), to_addrs=["ana@example.com", "bcc@example.com"])


@pytest.fixture
def address(mailbox: Mailbox) -> str:
    """Send one letter and give the address of its page."""
    send(mailbox)
    (one,) = mailbox.wait_for(1)
    return f"{mailbox.url}letters/{one.number}"


def test_keeps_letter_and_envelope(mailbox: Mailbox) -> None:
    send(mailbox)
    (one,) = mailbox.wait_for(1)
    assert one.sender == "studio@example.com"
    assert one.recipients == ["ana@example.com", "bcc@example.com"]
    assert one.subject == "Receipt <script>alert(1)</script> ☾"
    assert "javascript:x" in (one.text or "")
    assert "<p>Hi" in (one.html or "")
    assert [part.get_content_type() for part in one.attachments] == ["application/pdf"]


def test_keeps_letters_for_the_next_start(tmp_path: Path) -> None:
    with running_mailbox(folder=tmp_path / "letters") as before:
        send(before)
        send(before)
    with running_mailbox(folder=tmp_path / "letters") as after:
        assert [one.number for one in after.letters] == [1, 2]
        assert after.letters[0].recipients == before.letters[0].recipients
        send(after)
        assert after.wait_for(3)[-1].number == 3


def test_waiting_in_vain_says_how_many_came(mailbox: Mailbox) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 letters"):
        mailbox.wait_for(1, timeout=0.01)


def test_lists_newest_first_and_escapes(mailbox: Mailbox, address: str) -> None:
    send(mailbox)
    page = requests.get(mailbox.url, timeout=5).text
    assert page.index("/letters/2") < page.index("/letters/1")
    assert "<script>" not in page
    assert "Receipt &lt;script&gt;" in page


def test_shows_a_letter(address: str) -> None:
    answer = requests.get(address, timeout=5)
    assert "<script>" not in answer.text
    assert "Studio &lt;studio@example.com&gt;" in answer.text
    assert 'href="http://127.0.0.1:8000/orders/x"' in answer.text
    assert 'href="javascript' not in answer.text
    assert "bcc@example.com" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_html_is_served_in_a_sandbox(address: str) -> None:
    page = requests.get(address, timeout=5).text
    assert 'sandbox="allow-popups allow-popups-to' in page
    answer = requests.get(f"{address}/html", timeout=5)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script" not in policy
    assert '<head><base target="_blank">' in answer.text


def test_attachments_are_saved_not_shown(address: str) -> None:
    answer = requests.get(f"{address}/attachments/1", timeout=5)
    assert answer.content == b"%PDF"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_source_is_plain_text(address: str) -> None:
    answer = requests.get(f"{address}/source", timeout=5)
    assert answer.text.startswith("Return-Path: <studio@example.com>")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["letters/99", "letters/99/html", "nothing"])
def test_what_is_not_there_is_404(mailbox: Mailbox, path: str) -> None:
    answer = requests.get(mailbox.url + path, timeout=5)
    assert answer.status_code == 404
    assert "No such letter" in answer.text


@pytest.mark.parametrize("path", ["attachments/0", "attachments/2"])
def test_attachments_that_are_not_there_are_404(address: str, path: str) -> None:
    assert requests.get(f"{address}/{path}", timeout=5).status_code == 404


def test_answers_to_its_own_name_only(mailbox: Mailbox) -> None:
    headers = {"Host": "evil.example"}
    assert requests.get(mailbox.url, headers=headers, timeout=5).status_code == 400


def test_an_unknown_charset_is_no_reason_to_fail(mailbox: Mailbox) -> None:
    raw = b"Subject: x\r\nContent-Type: text/plain; charset=klingon\r\n\r\nHi \xff"
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
        smtp.sendmail("a@example.com", ["b@example.com"], raw)
    (one,) = mailbox.wait_for(1)
    page = requests.get(f"{mailbox.url}letters/{one.number}", timeout=5)
    assert "Hi \N{REPLACEMENT CHARACTER}" in page.text


def test_refuses_and_listens_again(mailbox: Mailbox) -> None:
    mailbox.refuse()
    with pytest.raises(ConnectionRefusedError):
        send(mailbox)
    mailbox.clear()
    send(mailbox)
    assert len(mailbox.letters) == 1


def test_refusing_cuts_open_connections(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, timeout=5) as smtp:
        smtp.ehlo()
        mailbox.refuse()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtp.docmd("NOOP")


def test_is_silent(mailbox: Mailbox) -> None:
    mailbox.be_silent()
    begun = time.monotonic()
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        send(mailbox, timeout=0.2)
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("reply", ["421 Bye", "451 Try again later", "550 No"])
def test_refuses_recipients(mailbox: Mailbox, reply: str) -> None:
    mailbox.answer(reply, to="RCPT", times=2)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(mailbox)
    assert refused.value.recipients["ana@example.com"][0] == int(reply[:3])
    mailbox.clear()
    send(mailbox)


@pytest.mark.parametrize("reply", ["421 Bye", "451 Try again later", "550 No"])
def test_refuses_content(mailbox: Mailbox, reply: str) -> None:
    mailbox.answer(reply, to="DATA")
    with pytest.raises(smtplib.SMTPDataError, match=reply[:3]):
        send(mailbox)
    assert mailbox.letters == []
    send(mailbox)
    assert len(mailbox.letters) == 1


def test_loses_its_reply(mailbox: Mailbox) -> None:
    mailbox.lose_reply()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(mailbox)
    assert len(mailbox.letters) == 1
