"""Texts that a studio has written itself, and what people agreed to in them."""

import datetime
from typing import TypedDict

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.extensions import db


class OwnText(db.Model):  # type: ignore[name-defined,misc]
    """One text in one language, in place of the one that comes with the shop.

    Kept in Postgres, for every machine.
    """

    __tablename__ = "texts"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    date: Mapped[datetime.date]
    body: Mapped[str] = mapped_column(Text)


class Consent(TypedDict):
    """What a customer agreed to, in the words that were shown.

    `kind`: withdrawal, which ends once the files of the order are delivered.
    """

    kind: str
    version: str
    language: str
    text: str
