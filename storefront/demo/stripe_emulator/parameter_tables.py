"""The parameters of every emulated operation, as tables.

They agree with Stripe's own API description; `tests/contract` compares them.
"""

from collections.abc import Mapping

from .parameters import (
    Choice,
    Integer,
    Items,
    Kind,
    Members,
    Metadata,
    Moment,
    Off,
    Refused,
    Text,
    Truth,
)
from .vocabulary import COUNTRIES, LOCALES, PAYMENT_METHODS

LONG = Text(5000)
TEXT = Text()
EXPAND = Items(LONG)
REFUSED = Refused()
SWITCH_OFF = Members({"enabled": Off()}, ("enabled",))
LOOSE_SWITCH_OFF = Members({"enabled": Off()})

PRODUCT_DATA = Members(
    {
        "description": Text(40000),
        "images": Items(TEXT),
        "metadata": Metadata(),
        "name": LONG,
        "tax_code": LONG,
        "tax_details": REFUSED,
        "unit_label": TEXT,
    },
    ("name",),
)
PRICE_DATA = Members(
    {
        "currency": TEXT,
        "product": REFUSED,
        "product_data": PRODUCT_DATA,
        "recurring": REFUSED,
        "tax_behavior": Choice(("exclusive", "inclusive", "unspecified")),
        "unit_amount": Integer(),
        "unit_amount_decimal": REFUSED,
    },
    ("currency",),
)
LINE_ITEM = Members(
    {
        "adjustable_quantity": Members(
            {"enabled": Off(), "maximum": Integer(), "minimum": Integer()},
            ("enabled",),
        ),
        "metadata": Metadata(),
        "price": LONG,
        "price_data": PRICE_DATA,
        "quantity": Integer(),
        "tax_rates": REFUSED,
    }
)
PAYMENT_INTENT_DATA = Members(
    {
        "application_fee_amount": REFUSED,
        "capture_method": Choice(
            ("automatic", "automatic_async", "manual"), refused=("manual",)
        ),
        "description": Text(1000),
        "metadata": Metadata(),
        "on_behalf_of": REFUSED,
        "receipt_email": TEXT,
        "setup_future_usage": REFUSED,
        "shipping": REFUSED,
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
        "transfer_data": REFUSED,
        "transfer_group": TEXT,
    }
)
MESSAGE = Members({"message": Text(1000)}, ("message",))
LONG_MESSAGE = Members({"message": TEXT}, ("message",))

CREATE_SESSION = Members(
    {
        "adaptive_pricing": LOOSE_SWITCH_OFF,
        "after_expiration": Members(
            {
                "recovery": Members(
                    {"allow_promotion_codes": Off(), "enabled": Off()}, ("enabled",)
                )
            }
        ),
        "allow_promotion_codes": Off(),
        "allowed_payment_method_types": Items(Choice(PAYMENT_METHODS)),
        "automatic_tax": Members(
            {"enabled": Off(), "liability": REFUSED}, ("enabled",)
        ),
        "billing_address_collection": Choice(
            ("auto", "required"), refused=("required",)
        ),
        "branding_settings": REFUSED,
        "cancel_url": LONG,
        "client_reference_id": Text(200),
        "consent_collection": REFUSED,
        "currency": TEXT,
        "custom_fields": REFUSED,
        "custom_text": Members(
            {
                "after_submit": LONG_MESSAGE,
                "shipping_address": MESSAGE,
                "submit": MESSAGE,
                "terms_of_service_acceptance": LONG_MESSAGE,
            }
        ),
        "customer": REFUSED,
        "customer_account": REFUSED,
        "customer_creation": Choice(("always", "if_required"), refused=("always",)),
        "customer_email": TEXT,
        "customer_update": REFUSED,
        "discounts": REFUSED,
        "excluded_payment_method_types": Items(
            Choice(tuple(word for word in PAYMENT_METHODS if word != "link"))
        ),
        "expand": EXPAND,
        "expires_at": Integer(),
        "integration_identifier": TEXT,
        "invoice_creation": Members(
            {"enabled": Off(), "invoice_data": REFUSED}, ("enabled",)
        ),
        "line_items": Items(LINE_ITEM),
        "locale": Choice(LOCALES),
        "managed_payments": LOOSE_SWITCH_OFF,
        "metadata": Metadata(),
        "mode": Choice(
            ("payment", "setup", "subscription"), refused=("setup", "subscription")
        ),
        "name_collection": REFUSED,
        "optional_items": REFUSED,
        "origin_context": Choice(("mobile_app", "web")),
        "payment_intent_data": PAYMENT_INTENT_DATA,
        "payment_method_collection": REFUSED,
        "payment_method_configuration": REFUSED,
        "payment_method_data": REFUSED,
        "payment_method_options": REFUSED,
        "permissions": REFUSED,
        "phone_number_collection": SWITCH_OFF,
        "redirect_on_completion": REFUSED,
        "return_url": REFUSED,
        "saved_payment_method_options": REFUSED,
        "setup_intent_data": REFUSED,
        "shipping_address_collection": Members(
            {"allowed_countries": Items(Choice(COUNTRIES))}, ("allowed_countries",)
        ),
        "shipping_options": REFUSED,
        "submit_type": Choice(("auto", "book", "donate", "pay", "subscribe")),
        "subscription_data": REFUSED,
        "success_url": LONG,
        "tax_id_collection": REFUSED,
        "ui_mode": Choice(
            ("elements", "embedded_page", "form", "hosted_page"),
            refused=("elements", "embedded_page", "form"),
        ),
        "wallet_options": REFUSED,
    },
    # Stripe: API 2026-09-30.endive took this parameter away.
    hints={
        "payment_method_types": ". Did you mean `allowed_payment_method_types`? "
        "The methods offered are chosen for each customer."
    },
)
UPDATE_SESSION = Members(
    {
        "collected_information": REFUSED,
        "expand": Items(TEXT),
        "line_items": REFUSED,
        "metadata": Metadata(),
        "payment_intent_data": REFUSED,
        "shipping_options": REFUSED,
    }
)
CREATE_REFUND = Members(
    {
        "amount": Integer(),
        "charge": LONG,
        "currency": REFUSED,
        "customer": REFUSED,
        "expand": EXPAND,
        "instructions_email": TEXT,
        "metadata": Metadata(),
        "origin": REFUSED,
        "payment_intent": LONG,
        "reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
        "refund_application_fee": Off(),
        "reverse_transfer": Off(),
    }
)
ONLY_EXPAND = Members({"expand": EXPAND})
RETRIEVE_INTENT = Members({"client_secret": LONG, "expand": EXPAND})


def listing(filters: Mapping[str, Kind]) -> Members:
    """Give the parameters of a list operation: its own filters and the paging."""
    paging: dict[str, Kind] = {
        "ending_before": LONG,
        "expand": EXPAND,
        "limit": Integer(),
        "starting_after": LONG,
    }
    return Members({**filters, **paging})


LIST_LINE_ITEMS = listing({})
LIST_SESSIONS = listing(
    {
        "created": Moment(),
        "customer": LONG,
        "customer_account": TEXT,
        "customer_details": Members({"email": TEXT}, ("email",)),
        "payment_intent": LONG,
        "payment_link": LONG,
        "status": Choice(("complete", "expired", "open")),
        "subscription": LONG,
    }
)
LIST_INTENTS = listing(
    {"created": Moment(), "customer": LONG, "customer_account": TEXT}
)
LIST_CHARGES = listing(
    {
        "created": Moment(),
        "customer": LONG,
        "payment_intent": LONG,
        "transfer_group": TEXT,
    }
)
LIST_OF_A_PAYMENT = listing(
    {"charge": LONG, "created": Moment(), "payment_intent": LONG}
)
LIST_EVENTS = listing(
    {
        "created": Moment(),
        "delivery_success": Truth(),
        "type": LONG,
        "types": Items(LONG),
    }
)
