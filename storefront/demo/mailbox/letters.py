"""A letter that arrived, and the pile of them, in memory and in a folder."""

import email
import email.policy
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Letter:
    """A letter as it stands in its file: two headers of ours, then the original.

    The envelope is kept the way mail servers keep it, as `Return-Path` and
    `Delivered-To` on top, and the time of arrival as `Received`.
    """

    number: int
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """Give the letter, parsed."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @cached_property
    def headers(self) -> EmailMessage:
        """Give its headers alone: of many thousand letters nobody needs more."""
        head, _, _ = self.raw.partition(b"\r\n\r\n")
        return email.message_from_bytes(head, policy=email.policy.default)

    @property
    def sender(self) -> str:
        """Give the envelope's sender."""
        return str(self.headers.get("Return-Path", "")).strip("<> ")

    @property
    def recipients(self) -> list[str]:
        """Give the envelope's recipients."""
        return [str(one) for one in self.headers.get_all("Delivered-To", [])]

    @property
    def received_at(self) -> datetime:
        """Give the moment of arrival."""
        _, _, moment = str(self.headers["Received"]).rpartition(";")
        return parsedate_to_datetime(moment.strip())

    @property
    def subject(self) -> str:
        """Give the subject, or a stand-in that can be clicked."""
        return str(self.headers.get("Subject", "")).strip() or "(no subject)"

    @property
    def text(self) -> str | None:
        """Give the plain text part, if there is one."""
        return _body(self.message, "plain")

    @property
    def html(self) -> str | None:
        """Give the HTML part, if there is one."""
        return _body(self.message, "html")

    @property
    def attachments(self) -> list[EmailMessage]:
        """Give the parts that are to be saved, in their order."""
        return [
            part
            for part in self.message.iter_attachments()
            if isinstance(part, EmailMessage)
        ]


def _body(message: EmailMessage, subtype: str) -> str | None:
    part = message.get_body((subtype,))
    if part is None:
        return None
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)  # noqa: S101 - a text part has one payload
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:  # a charset that nobody knows
        return content.decode("utf-8", "replace")


def file_name(part: EmailMessage, position: int) -> str:
    """Give the name under which to save an attachment."""
    name = "".join(one for one in part.get_filename("") if one.isprintable())
    return name or f"attachment-{position}"


class Pile:
    """All letters, oldest first; safe to use from several threads."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._changed = threading.Condition()
        self._letters = [] if folder is None else _read(folder)

    def list(self) -> list[Letter]:
        """Give the letters as they are now."""
        with self._changed:
            return list(self._letters)

    def count(self) -> int:
        """Count the letters."""
        with self._changed:
            return len(self._letters)

    def find(self, number: int) -> Letter | None:
        """Give the letter of that number, if it is there."""
        return next((one for one in self.list() if one.number == number), None)

    def add(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Keep a letter under the next number."""
        with self._changed:
            number = self._letters[-1].number + 1 if self._letters else 1
            letter = Letter(number, _stamp(sender, recipients) + content)
            if self._folder is not None:
                (self._folder / f"{number:05}.eml").write_bytes(letter.raw)
            self._letters.append(letter)
            self._changed.notify_all()

    def clear(self) -> None:
        """Throw everything away."""
        with self._changed:
            self._letters.clear()
            if self._folder is not None:
                for file in self._folder.glob("*.eml"):
                    file.unlink()

    def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until there are so many letters; tell whether they came."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._letters) >= count, seconds)


def _stamp(sender: str, recipients: Sequence[str]) -> bytes:
    moment = format_datetime(datetime.now(UTC))
    lines = [f"Return-Path: <{sender}>"]
    lines += [f"Delivered-To: {recipient}" for recipient in recipients]
    lines += [f"Received: by localhost with SMTP; {moment}"]
    return "".join(f"{line}\r\n" for line in lines).encode(errors="surrogateescape")


def _read(folder: Path) -> list[Letter]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = sorted(file for file in folder.glob("*.eml") if file.stem.isdigit())
    return [Letter(int(file.stem), file.read_bytes()) for file in files]
