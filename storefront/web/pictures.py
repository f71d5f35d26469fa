"""What the pages show of the look: pictures, tonight's moon, and marks."""

from typing import Any, Protocol, cast

from flask import Blueprint, Flask, Response, current_app, jsonify

from storefront.settings import Settings
from storefront.themes import FOLDER, Theme, read_theme
from storefront.web.moon import moon_tonight

ICONS = {192: "icon-192.png", 512: "icon-512.png"}
A_DAY = "public, max-age=86400"


class Pictured(Protocol):
    """What is known of a product that a picture is looked for."""

    @property
    def id(self) -> str:
        """Its own picture has this name."""

    @property
    def kind(self) -> Any:
        """Without one of its own it is shown as one of its kind."""

    @property
    def shipping_countries(self) -> Any:
        """A printed edition looks like a book."""


def current_theme() -> Theme:
    """Give the look of the running app."""
    return cast(Theme, current_app.extensions["theme"])


def picture_of(theme: Theme, product: Pictured) -> str:
    """Name the picture of a product: its own, or that of its kind."""
    kind = str(product.kind.value)
    printed = [f"{kind}-printed"] if product.shipping_countries else []
    return theme.picture_for(product.id, *printed, kind)


def init_app(app: Flask, settings: Settings) -> None:
    """Give the templates the look, and browsers what they ask for by themselves."""
    theme = app.extensions["theme"] = read_theme(settings.shop_theme)
    mark = (FOLDER / theme.name / "favicon.ico").read_bytes()
    asset: Any = app.jinja_env.globals["asset"]

    def themed(name: str) -> str:
        """Give the address of a file of the look."""
        return str(asset(f"themes/{theme.name}/{name}"))

    # Where a picture is alone on a page, the page has it inside.
    app.register_blueprint(Blueprint("pictures", __name__, template_folder=str(FOLDER)))
    app.jinja_env.globals.update(
        theme=theme,
        themed=themed,
        moon_tonight=moon_tonight,
        picture_of=lambda product: picture_of(theme, product),
    )

    @app.get("/favicon.ico")
    def favicon() -> Response:
        """Answer those who look for the mark where it has always been."""
        answer = Response(mark, mimetype="image/x-icon")
        answer.headers["Cache-Control"] = A_DAY
        return answer

    @app.get("/manifest.webmanifest")
    def manifest() -> Response:
        """Say how the shop appears on a phone's home screen."""
        answer = jsonify(_manifest(settings, theme, themed))
        answer.mimetype = "application/manifest+json"
        answer.headers["Cache-Control"] = A_DAY
        return answer


def _manifest(settings: Settings, theme: Theme, themed: Any) -> dict[str, Any]:
    icons = [
        {
            "src": themed(icon),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for size, icon in ICONS.items()
        # The mark stands within the circle that any mask leaves.
        for purpose in ("any", "maskable")
    ]
    return {
        "name": settings.shop_name,
        "short_name": settings.shop_name,
        "start_url": "/",
        "display": "browser",
        "background_color": theme.day["paper"],
        "theme_color": theme.day["paper"],
        "icons": icons,
    }
