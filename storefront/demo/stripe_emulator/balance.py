"""The account's balance: what each movement of money left on it, after fees."""

from .shapes import blank
from .state import JsonObject, State

# Stripe: standard EEA cards cost 1.5 % and 0.25; the emulator takes that everywhere.
FEE_PER_MILLE = 15
FEE_FIXED = 25
# Stripe: the money of a charge becomes available some days later.
PENDING_SECONDS = 2 * 24 * 3600
# Stripe: a dispute costs 20.00 in the euro area, kept also when it is won (pricing).
DISPUTE_FEE = 2000
FEES = {"charge": "Stripe processing fees", "adjustment": "Dispute fee"}


def book_charge(state: State, charge: JsonObject) -> JsonObject:
    """Book the money of a charge, less the fee."""
    fee = min(charge["amount"], charge["amount"] * FEE_PER_MILLE // 1000 + FEE_FIXED)
    return _book(state, charge, charge["amount"], "charge", fee)


def book_refund(state: State, refund: JsonObject) -> JsonObject:
    """Book the money that a refund takes away."""
    return _book(state, refund, -refund["amount"], "refund")


def book_refund_failure(state: State, refund: JsonObject) -> JsonObject:
    """Book the money that a failed refund gives back."""
    return _book(state, refund, refund["amount"], "refund_failure")


def book_dispute(state: State, dispute: JsonObject) -> JsonObject:
    """Book the money that a dispute takes away, and the fee for it."""
    told = f"Chargeback withdrawal for {dispute['charge']}"
    source = {**dispute, "description": told}
    category = "dispute"
    return _book(state, source, -dispute["amount"], "adjustment", DISPUTE_FEE, category)


def book_dispute_reversal(state: State, dispute: JsonObject) -> JsonObject:
    """Book the money that a dispute which was won gives back."""
    source = {**dispute, "description": f"Chargeback reversal for {dispute['charge']}"}
    category = "dispute_reversal"
    return _book(state, source, dispute["amount"], "adjustment", category=category)


def balance(state: State) -> JsonObject:
    """Give the account's balance, by currency."""
    available: dict[str, int] = {}
    pending: dict[str, int] = {}
    for entry in state.rows("balance_transactions"):
        is_available = entry["available_on"] <= state.now()
        totals = available if is_available else pending
        totals[entry["currency"]] = totals.get(entry["currency"], 0) + entry["net"]
    return {
        "object": "balance",
        "available": _amounts(available),
        "connect_reserved": None,
        "instant_available": None,
        "issuing": None,
        "livemode": False,
        "pending": _amounts(pending),
        "refund_and_dispute_prefunding": None,
    }


def _book(
    state: State,
    source: JsonObject,
    amount: int,
    kind: str,
    fee: int = 0,
    category: str = "",
) -> JsonObject:
    entry = {
        **blank("balance_transaction"),
        "id": state.ids.make("txn_"),
        "amount": amount,
        "available_on": state.now() + PENDING_SECONDS,
        "balance_type": "payments",
        "created": state.now(),
        "currency": source["currency"],
        "description": source["description"],
        "fee": fee,
        "fee_details": _fee_details(fee, source["currency"], kind),
        "net": amount - fee,
        "reporting_category": category or kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    return state.put("balance_transactions", entry)


def _fee_details(fee: int, currency: str, kind: str) -> list[JsonObject]:
    if not fee:
        return []
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": FEES[kind],
            "type": "stripe_fee",
        }
    ]


def _amounts(totals: dict[str, int]) -> list[JsonObject]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(totals.items())
    ]
