"""A letter as it goes over the line: Flask-Mail's message, written down in one go."""

import re
import time
from base64 import encodebytes
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from email.utils import encode_rfc2231, formatdate, parseaddr
from functools import lru_cache
from typing import Self
from uuid import uuid4

from flask_mail import Attachment, Message, sanitize_address, sanitize_subject

LINE_END = re.compile(r"\r\n|\r|\n")

# Two are on every letter, and each letter names its recipient twice.
_address = lru_cache(maxsize=64)(sanitize_address)


class Post(Message):
    """A message of the one form that letters have: text, HTML, perhaps files.

    The bytes are those of Flask-Mail's own writing, for a tenth of its time, and with
    headers as they were encoded once: Python loses blanks between encoded words where
    it folds a header again (3.11 to 3.13, tried 2026-11).
    """

    def written_to(self, recipient: str, message_id: str) -> Self:
        """Give another letter on the same paper: sender, where to answer, headers.

        A message of its own would look up this machine's name in the network.
        """
        letter = copy(self)
        letter.recipients, letter.msgId = [recipient], message_id
        letter.alts, letter.attachments = {}, []
        return letter

    def envelope(self) -> tuple[str, list[str]]:
        """Give the addresses that the server is told: from whom, and to whom."""
        _, sender = parseaddr(_address(self.sender))
        return sender, list(map(_address, self.recipients))

    def as_bytes(self) -> bytes:
        """Give what goes over the line."""
        texts = _joined(
            "alternative",
            [_text("plain", self.body or ""), _text("html", self.html or "")],
        )
        whole = _joined("mixed", [texts, *map(_file, self.attachments)], self._head())
        return "\r\n".join(whole).encode()

    def _head(self) -> Iterator[str]:
        """Write the headers, folded as they were encoded."""
        headers = {
            "Subject": sanitize_subject(self.subject),
            "From": _address(self.sender),
            "To": ", ".join(map(_address, self.recipients)),
            "Date": formatdate(self.date or time.time(), localtime=True),
            "Message-ID": self.msgId,
            "Reply-To": _address(self.reply_to) if self.reply_to else "",
            **(self.extra_headers or {}),
        }
        for name, value in headers.items():
            if value:
                yield f"{name}: {_with_line_ends(value)}"


def _joined(
    kind: str, parts: Iterable[Sequence[str]], head: Iterable[str] = ()
) -> list[str]:
    """Put parts one below the other, between lines that nobody can foresee."""
    line = uuid4().hex
    return [
        f'Content-Type: multipart/{kind}; boundary="{line}"',
        "MIME-Version: 1.0",
        *head,
        "",
        *(row for part in parts for row in (f"--{line}", *part)),
        f"--{line}--",
        "",
    ]


def _text(kind: str, text: str) -> list[str]:
    return [
        f'Content-Type: text/{kind}; charset="utf-8"',
        "MIME-Version: 1.0",
        f"Content-Transfer-Encoding: {'7bit' if text.isascii() else '8bit'}",
        "",
        _with_line_ends(text),
    ]


def _file(file: Attachment) -> list[str]:
    content = file.data if isinstance(file.data, bytes) else file.data.encode()
    return [
        f"Content-Type: {file.content_type}",
        "MIME-Version: 1.0",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {file.disposition}; {_file_name(file.filename or '')}",
        "",
        encodebytes(content).decode("ascii").replace("\n", "\r\n"),
    ]


def _file_name(name: str) -> str:
    if name.isascii():
        return f'filename="{name}"'
    return f"filename*={encode_rfc2231(name, 'UTF8', '')}"


def _with_line_ends(text: str) -> str:
    return LINE_END.sub("\r\n", text)
