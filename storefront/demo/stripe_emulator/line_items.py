"""The lines of a session: prices made on the fly, as the shop sends them."""

from typing import Any

from .currencies import check_step, check_total, read_currency
from .errors import ApiError, parameter_invalid, parameter_missing, resource_missing
from .shapes import blank
from .state import JsonObject, State

# Stripe: up to 100 line items in payment mode (docs api/checkout/sessions/create).
MOST_LINES = 100


def read_lines(state: State, params: dict[str, Any]) -> tuple[list[JsonObject], str]:
    """Price the lines; give them and their one currency.

    :raises ApiError: a line cannot be priced, or the total cannot be charged (400)
    """
    given = params.get("line_items") or []
    if not given:
        raise parameter_missing("line_items")
    if len(given) > MOST_LINES:
        message = f"line_items can hold up to {MOST_LINES} items."
        raise parameter_invalid(message, "line_items")
    lines = [_line(state, line, f"line_items[{at}]") for at, line in enumerate(given)]
    currency = _one_currency(lines, params)
    check_total(total(lines), currency)
    return lines, currency


def total(lines: list[JsonObject]) -> int:
    """Give the sum of the lines, in minor units of their currency."""
    return sum(line["amount_total"] for line in lines)


def _line(state: State, given: dict[str, Any], param: str) -> JsonObject:
    if "price" in given:
        raise resource_missing(
            "price", given["price"], param=f"{param}[price]", status=400
        )
    if "price_data" not in given:
        raise parameter_missing(f"{param}[price_data]")
    if "quantity" not in given:
        raise parameter_missing(f"{param}[quantity]")
    price, name = _price(state, given["price_data"], f"{param}[price_data]")
    amount = price["unit_amount"] * _quantity(given, f"{param}[quantity]")
    return {
        **blank("item"),
        "id": state.ids.make("li_"),
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": name,
        "metadata": given.get("metadata", {}),
        "price": price,
        "quantity": given["quantity"],
    }


def _quantity(given: dict[str, Any], param: str) -> int:
    quantity = int(given["quantity"])
    if quantity < 1:
        message = "This value must be greater than or equal to 1."
        raise parameter_invalid(message, param, "parameter_invalid_integer")
    return quantity


def _price(state: State, given: dict[str, Any], param: str) -> tuple[JsonObject, str]:
    for name in ("product_data", "unit_amount"):
        if name not in given:
            raise parameter_missing(f"{param}[{name}]")
    amount = given["unit_amount"]
    currency = read_currency(given["currency"], f"{param}[currency]")
    if amount < 0:
        message = "This value must be greater than or equal to 0."
        code = "parameter_invalid_integer"
        raise parameter_invalid(message, f"{param}[unit_amount]", code)
    check_step(amount, currency, f"{param}[unit_amount]")
    product = _product(state, given["product_data"])
    price = {
        **blank("price"),
        "id": state.ids.make("price_"),
        "active": False,
        "billing_scheme": "per_unit",
        "created": state.now(),
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "product": product["id"],
        "tax_behavior": given.get("tax_behavior", "unspecified"),
        "type": "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    return price, product["name"]


def _product(state: State, given: dict[str, Any]) -> JsonObject:
    product = {
        **blank("product"),
        "id": state.ids.make("prod_"),
        "active": False,
        "created": state.now(),
        "description": given.get("description"),
        "images": given.get("images", []),
        "livemode": False,
        "marketing_features": [],
        "metadata": given.get("metadata", {}),
        "name": given["name"],
        "type": "service",
        "unit_label": given.get("unit_label"),
        "updated": state.now(),
    }
    return state.put("products", product)


def _one_currency(lines: list[JsonObject], params: dict[str, Any]) -> str:
    currencies = {line["currency"] for line in lines}
    if "currency" in params:
        currencies.add(read_currency(params["currency"], "currency"))
    if len(currencies) > 1:
        raise ApiError("All line items of a Checkout Session must have one currency.")
    return str(currencies.pop())
