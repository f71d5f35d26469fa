"""What error pages say: a title and a sentence for each status."""

from storefront.languages import gettext as _


def error_texts(status: int) -> tuple[str, str]:
    """Give what a page says; the API says the second in its own form."""
    texts = {**_yours(), **_ours()}
    return texts.get(status, texts[400 if status < 500 else 500])


def expired_form() -> tuple[str, str]:
    """Give what is said where a form has lost its token, or never had it."""
    return (
        _("This page was open too long"),
        _(
            "For safety the form is no longer valid. Load it again and send it once "
            "more."
        ),
    )


def _yours() -> dict[int, tuple[str, str]]:
    return {
        400: (
            _("This request cannot be read"),
            _("Something in it is not as it should be."),
        ),
        403: (_("This is not allowed"), _("The request came from another site.")),
        404: (
            _("There is nothing here"),
            _("The address may be mistyped, or no longer valid."),
        ),
        405: (
            _("That does not work here"),
            _("This address is not meant to be used that way."),
        ),
        410: (_("No longer available"), _("This product is not sold any more.")),
        413: (
            _("That is too much"),
            _("What was sent is larger than this shop takes."),
        ),
        414: (
            _("That address is too long"),
            _("The address is longer than this shop takes."),
        ),
        415: (
            _("This form is not understood"),
            _("It was sent in a way we do not read."),
        ),
        429: (_("A little slower, please"), _("Too many tries in a short time.")),
    }


def _ours() -> dict[int, tuple[str, str]]:
    return {
        500: (
            _("Something went wrong on our side"),
            _("It has been noted. What you have ordered or paid is safe."),
        ),
        503: (
            _("Back in a moment"),
            _("A part of the shop does not answer just now."),
        ),
    }
