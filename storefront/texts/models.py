"""Texts that a studio has written itself, kept in Postgres for every machine."""

import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.extensions import db


class OwnText(db.Model):  # type: ignore[name-defined,misc]
    """One text in one language, in place of the one that comes with the shop."""

    __tablename__ = "texts"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    date: Mapped[datetime.date]
    body: Mapped[str] = mapped_column(Text)
