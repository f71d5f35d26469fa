"""The line to the mail server: checked, never waited on for long, used for many."""

import smtplib
import ssl

from flask import current_app
from flask_mail import BadHeaderError, Connection, Mail

from storefront.letters.post import Post

TIMEOUT_SECONDS = 10.0
# Servers allow a hundred letters a connection, or more, or do not count.
BATCHES_A_CONNECTION = 2


class VerifiedConnection(Connection):
    """Flask-Mail's connection with what it lacks: a timeout, and checked TLS."""

    def configure_host(self) -> smtplib.SMTP:
        """Connect, encrypt and log in, each within the timeout."""
        settings: Mail = self.mail
        there = (settings.server, settings.port)
        if settings.use_ssl:
            checked = ssl.create_default_context()
            host: smtplib.SMTP = smtplib.SMTP_SSL(
                *there, timeout=TIMEOUT_SECONDS, context=checked
            )
        else:
            host = smtplib.SMTP(*there, timeout=TIMEOUT_SECONDS)
        if settings.use_tls:
            host.starttls(context=ssl.create_default_context())
        if settings.username and settings.password:
            host.login(settings.username, settings.password)
        return host

    def hand_over(self, letter: Post) -> None:
        """Send a letter as `send` does, which reads its addresses again at each turn.

        :raises BadHeaderError: a header would end early, and begin another.
        :raises UnicodeError: no mail can bear the address.
        """
        if letter.has_bad_headers():
            raise BadHeaderError
        if self.host:
            self.host.sendmail(*letter.envelope(), letter.as_bytes())

    def __exit__(self, *_: object) -> None:
        """Say goodbye if the server still listens."""
        try:
            super().__exit__(*_)  # type: ignore[arg-type]
        except (smtplib.SMTPException, OSError):
            current_app.logger.debug("the mail server hung up first")


class Line:
    """The connection to the mail server, which one batch after the other uses."""

    def __init__(self) -> None:
        self._connection: VerifiedConnection | None = None
        self._batches = 0

    def connection(self) -> VerifiedConnection:
        """Connect, where that was not done for the batch before.

        :raises OSError: nobody answers, or not in time.
        :raises SMTPException: the server does not want us.
        """
        if self._batches == BATCHES_A_CONNECTION:
            self.close()
        if self._connection is None:
            connection = VerifiedConnection(current_app.extensions["mail"])
            self._connection = connection.__enter__()
        self._batches += 1
        return self._connection

    def close(self) -> None:
        """Hang up. Safe to repeat."""
        if self._connection:
            self._connection.__exit__(None, None, None)
        self._connection, self._batches = None, 0
