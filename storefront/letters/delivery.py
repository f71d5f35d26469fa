"""Sending what the outbox holds: once each, later if need be, never in a request."""

import smtplib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from flask_mail import BadHeaderError
from sqlalchemy import Connection as Marking
from sqlalchemy import Update, bindparam, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from storefront.extensions import db
from storefront.failpoints import reach
from storefront.letters.facts import Facts, read_facts
from storefront.letters.letters import compose
from storefront.letters.line import Line, VerifiedConnection
from storefront.letters.models import Letter, LetterKind
from storefront.letters.outbox import write_attention_letters
from storefront.orders.history import raise_matter
from storefront.transaction import single_statements, transaction

# Facts and claims of so many cost hardly more than those of one.
BATCH = 50
# In its second half no letter is begun: one waits for four answers at most. What a
# sender that died had claimed goes out after so long.
CLAIM_SECONDS = 120
# 15 s, 30 s, 1 min … never more than four minutes, so that all is sent within five
# once the server is back.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15, 240
# Three days of tries, as mail servers themselves hold it.
LAST_TRY_AFTER_DAYS = 3

# Made once: SQLAlchemy reads an UPDATE for longer than Postgres carries it out.
_letters = Letter.__table__
SENT = (
    update(_letters)
    .where(_letters.c.id == bindparam("letter_id"))
    .values(sent_at=func.now(), last_error=None)
)

Failure = smtplib.SMTPException | OSError


def send_letters(due_before: datetime, go_on: Callable[[], bool]) -> int:
    """Send what is due; give how many letters went out.

    A letter is claimed in one transaction, sent in none, and marked in another: a
    crash between the last two makes one repeat possible, under the same Message-ID.

    Safe to repeat, and in several processes at once: each claims other rows.

    :param due_before: takes what is due by then.
    :param go_on: called between batches; False ends the run.
    """
    with transaction():
        write_attention_letters()
    if not current_app.config["MAIL_SERVER"]:
        return 0
    sent = 0
    with closing(Line()) as line:
        while go_on() and (batch := _claim(due_before)):
            reach("letters claimed")
            try:
                sent += _send_batch(line, batch)
            except (smtplib.SMTPException, OSError) as error:
                # Nobody answered: nothing is said against any letter.
                current_app.logger.warning("the mail server is away: %s", error)
                break
    return sent


def hurry_letters() -> None:
    """Make every letter due that is backing off."""
    with transaction():
        db.session.execute(
            update(Letter)
            .where(Letter.sent_at.is_(None), Letter.parked_at.is_(None))
            .values(due_at=func.now())
        )


def _claim(due_before: datetime) -> Sequence[UUID]:
    """Take letters by moving their next try behind the time this one may need."""
    # A CTE is asked once; a subquery perhaps for every row, taking others each time.
    due = (
        select(Letter.id)
        .where(
            Letter.sent_at.is_(None),
            Letter.parked_at.is_(None),
            Letter.due_at < due_before,
        )
        .order_by(Letter.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte()
    )
    with transaction():
        return db.session.scalars(
            update(Letter)
            .where(Letter.id.in_(select(due)))
            .values(due_at=_after(CLAIM_SECONDS), tries=Letter.tries + 1)
            .returning(Letter.id)
        ).all()


def _send_batch(line: Line, batch: Sequence[UUID]) -> int:
    waiting, sent = list(batch), 0
    stop_at = time.monotonic() + CLAIM_SECONDS / 2
    try:
        connection = line.connection()
        with single_statements() as marking:
            for facts in read_facts(batch):
                if time.monotonic() >= stop_at:
                    break
                sent += _send(connection, facts, marking)
                waiting.pop(0)
    except (smtplib.SMTPException, OSError) as error:
        _put_off(waiting, error)
        raise
    return sent


def _send(connection: VerifiedConnection, facts: Facts, marking: Marking) -> bool:
    """Send one letter; False if the server, or we, had something against it.

    :raises OSError: the connection is of no more use, for this letter and the rest.
    """
    letter_id, message = facts.letter.id, compose(facts)
    if message is None:
        _discard(letter_id)
        return False
    reach("letter composed, not sent")
    try:
        connection.hand_over(message)
    except (BadHeaderError, UnicodeError) as error:
        _park(letter_id, error)
        return False
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        _reject(letter_id, error, permanent=min(codes) >= 500)
        return False
    except smtplib.SMTPResponseException as error:
        if error.smtp_code == 421:
            # "Closing": said about itself, not about the letter (RFC 5321, 3.8).
            raise
        _reject(letter_id, error, permanent=error.smtp_code >= 500)
        return False
    reach("letter sent, not marked")
    _mark_sent(letter_id, marking)
    reach("letter marked")
    return True


def _reject(letter_id: UUID, error: Failure, *, permanent: bool) -> None:
    if permanent:
        _park(letter_id, error)
    else:
        _put_off([letter_id], error)


def _put_off(letter_ids: Sequence[UUID], error: Exception) -> None:
    """Try again later; after three days of that, no more."""
    pause = func.least(
        LONGEST_PAUSE_SECONDS,
        FIRST_PAUSE_SECONDS * func.power(2, func.least(Letter.tries - 1, 10)),
    )
    for letter_id in letter_ids:
        _mark(letter_id, due_at=_after(pause), last_error=_reason(error))
    with transaction():
        tired = db.session.scalars(
            select(Letter.id).where(
                Letter.id.in_(letter_ids),
                Letter.created_at
                < func.now() - func.make_interval(0, 0, 0, LAST_TRY_AFTER_DAYS),
            )
        ).all()
    for letter_id in tired:
        _park(letter_id, error)


def _park(letter_id: UUID, error: Exception) -> None:
    """Give a letter up, with the reason, and tell the owner."""
    current_app.logger.error("letter %s is parked: %s", letter_id, _reason(error))
    with transaction():
        _set(letter_id, parked_at=func.now(), last_error=_reason(error))
        letter = db.session.get_one(Letter, letter_id)
        # What cannot reach the owner cannot be told by another such letter.
        if letter.kind is not LetterKind.ATTENTION:
            raise_matter(
                "letter parked",
                str(letter_id),
                None,
                letter={"kind": letter.kind.value, "reason": _reason(error)},
            )


def _discard(letter_id: UUID) -> None:
    """Throw a letter away that has nothing to tell."""
    with transaction():
        db.session.execute(delete(Letter).where(Letter.id == letter_id))


def _mark_sent(letter_id: UUID, marking: Marking) -> None:
    """Mark a letter before the next is sent: no crash repeats more than one."""
    try:
        marking.execute(SENT, {"letter_id": letter_id})
    except SQLAlchemyError:
        # The server has been restarted meanwhile, say: there may be a way around.
        _mark(letter_id, sent_at=func.now(), last_error=None)


def _mark(letter_id: UUID, **values: Any) -> None:
    with transaction():
        _set(letter_id, **values)


def _set(letter_id: UUID, **values: Any) -> None:
    db.session.execute(_change(letter_id, **values))


def _change(letter_id: UUID, **values: Any) -> Update:
    return update(Letter).where(Letter.id == letter_id).values(**values)


def _after(seconds: Any) -> Any:
    pause = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return func.clock_timestamp() + pause


def _reason(error: Exception) -> str:
    """Say what happened without the address that the server repeats."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, _ = next(iter(error.recipients.values()))
        return f"the recipient was refused with {code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {error.smtp_code}"
    return type(error).__name__
