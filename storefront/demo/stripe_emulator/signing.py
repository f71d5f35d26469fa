"""Webhook signatures, made the way Stripe makes them.

Stripe: HMAC-SHA256 over "{t}.{body}" under the whole secret, prefix included (docs
webhooks/signature). The shop checks them with the SDK; nothing is shared with it here.
"""

import hashlib
import hmac
import secrets


def signature_header(body: bytes, keys: list[str], at: int) -> str:
    """Give the Stripe-Signature header: one `v1` per secret, and a `v0` to ignore.

    Stripe adds a made-up `v0` to test mode deliveries.
    """
    schemes = [f"v1={_signature(body, key, at)}" for key in keys]
    return ",".join([f"t={at}", *schemes, f"v0={secrets.token_hex(32)}"])


def split_secrets(secret: str) -> list[str]:
    """Give the secrets of a comma list."""
    return [part.strip() for part in secret.split(",") if part.strip()]


def _signature(body: bytes, key: str, at: int) -> str:
    signed = b"%d." % at + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
