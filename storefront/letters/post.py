"""A letter as it goes over the line: Flask-Mail's message, addressed once."""

from copy import copy
from email.policy import compat32
from email.utils import parseaddr
from functools import lru_cache
from typing import Self

from flask_mail import Message, sanitize_address

# As they were encoded once: Python loses blanks between encoded words where it folds
# such a header again (3.11 to 3.13, tried 2026-11). The newer policies would parse all
# headers of all parts several times: half of the time that a letter takes.
AS_ENCODED = compat32.clone(linesep="\r\n", max_line_length=None)

# Two are on every letter, and each letter names its recipient twice.
_address = lru_cache(maxsize=64)(sanitize_address)


class Post(Message):
    """Flask-Mail's message, with subjects that arrive as they were written."""

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
        return self._message().as_bytes(policy=AS_ENCODED)
