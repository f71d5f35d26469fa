"""Finding one's orders again: their links go to the address, and nowhere else."""

from storefront.checkout.limits import count_search, may_be_written_to
from storefront.letters.outbox import write_orders_letter
from storefront.transaction import transaction


def send_links(email: str, address: str, locale: str) -> None:
    """Have the links of the orders of an e-mail address sent there.

    Whether there are any is not looked at here, but when the letter is composed: what
    is answered, and how long that takes, is the same for every address.

    :param address: the network address that asks.
    :param locale: the letter speaks it, as the page did.
    :raises TooManySearches: more than one network address may.
    """
    count_search(address)
    if may_be_written_to(email):
        with transaction():
            write_orders_letter(email, locale)
