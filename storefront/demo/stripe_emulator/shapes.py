"""Blank objects of Stripe's API: every member that may be null is there, as null.

Lists that Stripe shows only when they are expanded (a session's `line_items`, a
charge's `refunds`) are left to `expanding`. Stripe: API 2026-10-28.endive.
"""

from .state import JsonObject

API_VERSION = "2026-10-28.endive"

NULLABLE = {
    "checkout.session": """
        adaptive_pricing after_expiration allow_promotion_codes
        allowed_payment_method_types amount_subtotal amount_total
        billing_address_collection branding_settings cancel_url client_reference_id
        client_secret collected_information consent consent_collection currency
        currency_conversion customer customer_account customer_creation
        customer_details customer_email discounts excluded_payment_method_types
        integration_identifier invoice invoice_creation locale managed_payments
        metadata name_collection optional_items origin_context payment_intent
        payment_link payment_method_collection payment_method_configuration_details
        payment_method_options permissions phone_number_collection
        presentment_details recovered_from redirect_on_completion return_url
        saved_payment_method_options setup_intent shipping_address_collection
        shipping_cost status submit_type subscription success_url tax_id_collection
        total_details ui_mode url wallet_options
    """,
    "payment_intent": """
        allowed_payment_method_types amount_details application
        application_fee_amount automatic_payment_methods canceled_at
        cancellation_reason client_secret customer customer_account description
        excluded_payment_method_types hooks last_payment_error latest_charge
        managed_payments next_action on_behalf_of payment_details payment_method
        payment_method_configuration_details payment_method_options payment_record
        presentment_details processing receipt_email review setup_future_usage
        shipping source statement_descriptor statement_descriptor_suffix
        transfer_data transfer_group
    """,
    "charge": """
        application application_fee application_fee_amount authorization_code
        balance_transaction calculated_statement_descriptor customer description
        failure_balance_transaction failure_code failure_message fraud_details
        level3 on_behalf_of outcome payment_intent payment_method
        payment_method_details presentment_details radar_options receipt_email
        receipt_number receipt_url review shipping source source_transfer
        statement_descriptor statement_descriptor_suffix transfer transfer_data
        transfer_group
    """,
    "refund": """
        balance_transaction charge customer customer_account description
        destination_details failure_balance_transaction failure_reason
        instructions_email metadata next_action payment_intent payment_method
        pending_reason presentment_details reason receipt_number
        source_transfer_reversal status transfer_reversal
    """,
    "dispute": """
        intended_submission_method network_reason_code payment_intent
        payment_method_details
    """,
    "balance_transaction": "description exchange_rate source",
    "item": "adjustable_quantity description discounts metadata price quantity taxes",
    "price": """
        currency_options custom_unit_amount lookup_key nickname recurring
        tax_behavior tiers tiers_mode transform_quantity unit_amount
        unit_amount_decimal
    """,
    "product": """
        default_price description package_dimensions shippable statement_descriptor
        tax_code tax_details unit_label url
    """,
}
# What a dispute's `evidence` may hold.
EVIDENCE = tuple(
    """
    access_activity_log appeal billing_address cancellation_policy
    cancellation_policy_disclosure cancellation_rebuttal customer_communication
    customer_email_address customer_name customer_purchase_ip customer_signature
    duplicate_charge_documentation duplicate_charge_explanation
    duplicate_charge_id product_description receipt refund_policy
    refund_policy_disclosure refund_refusal_explanation service_date
    service_documentation shipping_address shipping_carrier shipping_date
    shipping_documentation shipping_tracking_number uncategorized_file
    uncategorized_text
    """.split()
)
ADDRESS_PARTS = ("city", "country", "line1", "line2", "postal_code", "state")


def blank(kind: str) -> JsonObject:
    """Give an object of that kind with all its nullable members as null."""
    return {"object": kind, **dict.fromkeys(NULLABLE[kind].split())}


def address(**parts: str | None) -> JsonObject:
    """Give an address with every part that is not known as null."""
    return {name: parts.get(name) or None for name in ADDRESS_PARTS}
