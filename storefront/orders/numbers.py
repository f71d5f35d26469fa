"""Order numbers: short, speakable, never twice, and not telling how many there are."""

import secrets

from sqlalchemy import Sequence, select

from storefront.extensions import Model, db
from storefront.orders.models import Order

# Without 0 O 1 I, which people mix up.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 7
SPAN = len(ALPHABET) ** LENGTH
# Odd, so that multiplying walks through all of the 2^35 numbers before one repeats;
# near the golden section of them, so that neighbours differ in every sign.
STRIDE = 21_235_486_157

counter = Sequence("order_number_seq", metadata=Model.metadata)


def spell(count: int) -> str:
    """Write a count as a number of seven letters and digits; different for each."""
    left, letters = count * STRIDE % SPAN, []
    for _ in range(LENGTH):
        left, place = divmod(left, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "".join(letters)


def next_number() -> str:
    """Take the next order number.

    After a backup was restored the count is behind: orders that were written down
    again have their numbers already, and these are passed over.
    """
    while True:
        count = db.session.execute(select(counter.next_value())).scalar_one()
        if not is_taken(number := spell(count)):
            return number


def is_taken(number: str) -> bool:
    """Tell whether an order has this number."""
    found = select(Order.id).where(Order.number == number)
    return bool(db.session.scalar(select(found.exists())))


def new_page_token() -> str:
    """Make the secret of an order's page: 256 bits, not to be guessed."""
    return secrets.token_urlsafe(32)
