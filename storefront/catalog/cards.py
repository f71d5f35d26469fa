"""Cards that messengers show beside a link: drawn once for all machines, and kept.

Their name is a hash of all that they show: whoever finds a card by its name has the
right one, whatever became of the catalog, the theme or the code meanwhile.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import LargeBinary, Text, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from storefront.catalog.queries import (
    Offer,
    find_welcome,
    list_languages,
    list_offers,
)
from storefront.extensions import TIMESTAMP, db
from storefront.languages import language_of, locale_in, speaking
from storefront.settings import current_settings
from storefront.transaction import transaction
from storefront.web.cards import compose_card, draw_card, name_card
from storefront.web.pictures import current_theme, picture_of


class Card(db.Model):  # type: ignore[name-defined,misc]
    """A card as it was drawn. `name`: a hash of all that it shows."""

    __tablename__ = "cards"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    image: Mapped[bytes] = mapped_column(LargeBinary)
    drawn_at: Mapped[datetime] = mapped_column(TIMESTAMP, server_default=func.now())


def card_of_shop() -> str:
    """Compose the shop's own card, in the language that is spoken."""
    studio = current_settings().shop_name
    headline = find_welcome(studio)["headline"]
    return compose_card(current_theme(), "studio", headline, "", studio)


def card_of(offer: Offer) -> str:
    """Compose the card of a product, in the language that it is told in."""
    theme = current_theme()
    return compose_card(
        theme,
        picture_of(theme, offer),
        offer.name,
        offer.edition or "",
        current_settings().shop_name,
    )


def get_card(composed: str) -> bytes:
    """Give a card as it is kept; where it is not yet, draw and keep it.

    Safe to repeat: whoever draws the same draws the same bytes.
    """
    name = name_card(composed)
    kept = db.session.scalar(select(Card.image).where(Card.name == name))
    if kept is not None:
        return bytes(kept)
    drawn = draw_card(composed)
    with transaction():
        db.session.execute(
            insert(Card).values(name=name, image=drawn).on_conflict_do_nothing()
        )
    return drawn


def draw_cards(_: datetime, go_on: Callable[[], bool]) -> int:
    """Draw the cards that are lacking, before anybody asks; give how many.

    Safe to repeat.
    """
    wanted = {name_card(composed): composed for composed in _list_cards()}
    kept = set(db.session.scalars(select(Card.name).where(Card.name.in_(wanted))))
    drawn = 0
    for name in wanted.keys() - kept:
        if not go_on():
            break
        get_card(wanted[name])
        drawn += 1
    return drawn


def _list_cards() -> Iterator[str]:
    """Compose every card that a page of the shop names."""
    shop_locale = current_settings().shop_locale
    for language in list_languages(language_of(shop_locale)):
        with speaking(locale_in(language, shop_locale)):
            composed = [card_of_shop(), *map(card_of, list_offers())]
        yield from composed
