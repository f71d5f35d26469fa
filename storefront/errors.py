"""What can go wrong, as sentences; web/problems.py says which status each one has."""


class StorefrontError(Exception):
    """A failure that we know by name and can explain to the person it meets."""


class SettingsError(StorefrontError):
    """A setting is missing, wrong or half-set; the text names it and the cure."""


class FieldError(StorefrontError):
    """Input that was understood but cannot be accepted.

    :param errors: the name of each bad field with a sentence about it.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


class TooManyCheckouts(StorefrontError):
    """One address has begun more checkouts than it may; try again in a while."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many checkouts from this address.")
        self.retry_after = retry_after


class TooManySearches(StorefrontError):
    """One address has asked for orders more often than it may."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many searches from this address.")
        self.retry_after = retry_after


class TooManyReceipts(StorefrontError):
    """A receipt was asked for again more often than it is sent within an hour."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many copies of one receipt.")
        self.retry_after = retry_after


class CheckoutUnderWay(StorefrontError):
    """The same checkout is being worked on at this moment by another request."""


class KeyReused(StorefrontError):
    """An idempotency key came again with another body."""


class PaymentUnavailable(StorefrontError):
    """Stripe cannot open a payment page just now; the order waits and can go on."""

    def __init__(self) -> None:
        super().__init__("The payment service does not answer just now.")


class OrderNotPayable(StorefrontError):
    """The order is paid, refunded, or its money is on the way: nothing to pay."""


class OrderNotPaid(StorefrontError):
    """The order was never paid: there is no receipt of it, and no contract."""


class NothingToWithdraw(StorefrontError):
    """There is no contract that could be withdrawn from, or no longer."""


class OrderUnknown(StorefrontError):
    """Stripe speaks of an order of ours that is not in the database (yet)."""
