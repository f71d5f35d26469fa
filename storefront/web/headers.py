"""What every answer carries for the browser's safety, and which hosts we answer to."""

from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, abort, request
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response

from storefront.setting_values import is_loopback
from storefront.settings import Settings

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]


def content_security_policy(checkout_origins: tuple[str, ...]) -> str:
    """Allow our own files only, and forms that end at the payment page.

    Browsers check `form-action` again at each redirect of a form: without Stripe's
    origin the way to the payment page is silently blocked (Chromium, tried 2026-11).
    """
    origins = " ".join(("'self'", *checkout_origins))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            f"form-action {origins}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
        )
    )


def safety_headers(settings: Settings) -> dict[str, str]:
    """Give the headers that are the same on every answer, static files included."""
    headers = {
        "Content-Security-Policy": content_security_policy(settings.checkout_origins),
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: the CSRF check over https needs the Referer.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
    }
    if settings.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def init_app(app: Flask, settings: Settings) -> None:
    """Set the headers on every answer, and refuse other people's hosts and forms."""
    # Whatever nobody thought about is not kept by anyone.
    fixed = {**safety_headers(settings), "Cache-Control": "no-store"}
    hosts = _hosts(settings)

    @lru_cache(maxsize=64)
    def is_ours(host: str) -> bool:
        return host_is_trusted(host, hosts)

    @app.before_request
    def refuse_strangers() -> None:
        # Not by Flask's TRUSTED_HOSTS: it refuses before error pages can link home.
        if not is_ours(request.host):
            abort(400)
        _refuse_other_sites()

    @app.after_request
    def add_headers(answer: Response) -> Response:
        present = {name.lower() for name, _ in answer.headers}
        answer.headers.extend(
            [pair for pair in fixed.items() if pair[0].lower() not in present]
        )
        return answer


def _hosts(settings: Settings) -> list[str]:
    host = urlsplit(settings.base_url).hostname or ""
    return LOOPBACK_HOSTS if is_loopback(host) else [host]


def _refuse_other_sites() -> None:
    """Refuse state changes that a browser says another site has caused."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        abort(403)
