"""The mailbox as one thing: letters, SMTP server, page, and the knobs for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storefront.demo.mailbox.letters import Letter, Pile
from storefront.demo.mailbox.page import served
from storefront.demo.mailbox.smtp import Command, SmtpServer


class Mailbox:
    """A running mailbox."""

    def __init__(self, pile: Pile, smtp: SmtpServer, url: str) -> None:
        self.url = url
        self._pile = pile
        self._smtp = smtp

    @property
    def smtp_port(self) -> int:
        """Give the port that letters are sent to."""
        return self._smtp.port

    @property
    def letters(self) -> list[Letter]:
        """Give what arrived, oldest first."""
        return self._pile.list()

    def count(self) -> int:
        """Count what arrived."""
        return self._pile.count()

    def wait_for(self, count: int, timeout: float = 5.0) -> list[Letter]:
        """Wait for so many letters and give all that are there.

        :raises TimeoutError: where fewer came in time.
        """
        if not self._pile.wait_for(count, timeout):
            raise TimeoutError(
                f"{len(self.letters)} of {count} letters came in {timeout} s."
            )
        return self.letters

    def clear(self) -> None:
        """Throw the letters away and let everything work again."""
        self._pile.clear()
        self.mend()

    def mend(self) -> None:
        """Let everything work again."""
        self._smtp.faults.clear()
        self._smtp.listen()

    def refuse(self) -> None:
        """Take no connections from now on."""
        self._smtp.refuse()

    def be_silent(self) -> None:
        """Take connections from now on and never say a word."""
        self._smtp.faults.silent = True

    def answer(self, reply: str, to: Command = "RCPT", times: int = 1) -> None:
        """Answer the next commands with this, such as `451 Try again later`."""
        self._smtp.faults.replies[to].extend([reply] * times)

    def lose_reply(self, times: int = 1) -> None:
        """Keep the next letters and cut the line instead of saying so."""
        self._smtp.faults.lost_replies += times


@contextmanager
def running_mailbox(
    smtp_port: int = 0, web_port: int = 0, folder: Path | None = None
) -> Iterator[Mailbox]:
    """Run a mailbox; port 0 means any. With a folder the letters are kept there."""
    pile = Pile(folder)
    smtp = SmtpServer(pile, smtp_port)
    try:
        smtp.listen()
        with served(pile, web_port) as url:
            yield Mailbox(pile, smtp, url)
    finally:
        smtp.close()
