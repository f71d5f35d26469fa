"""Products, and the files that some of them deliver."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    LargeBinary,
    Text,
    exists,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column

from storefront.extensions import TIMESTAMP, db, stored_enum


class ProductKind(StrEnum):
    """What sort of thing a product is; decides its shelf and its words."""

    SESSION = "session"
    PACK = "pack"
    ALMANAC = "almanac"


class ProductFile(db.Model):  # type: ignore[name-defined,misc]
    """The file that a paid product delivers, kept in Postgres for every machine."""

    __tablename__ = "product_files"

    product_id: Mapped[str] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Product(db.Model):  # type: ignore[name-defined,misc]
    """Something on the shelf. `unit_amount`: minor units of `currency`, above zero.

    `translations`: its texts by language, where it has others than its columns'.
    `pause_note`: why it cannot be bought just now.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("unit_amount > 0", name="unit_amount_above_zero"),
        CheckConstraint(
            "(kind = 'session') = (duration_minutes IS NOT NULL)",
            name="sessions_have_a_duration",
        ),
        CheckConstraint(
            "(kind = 'pack') = (pack_of IS NOT NULL)"
            " AND (kind = 'pack') = (pack_size IS NOT NULL)",
            name="packs_hold_sessions",
        ),
        CheckConstraint("pack_size >= 2", name="pack_size_at_least_two"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[ProductKind] = mapped_column(stored_enum(ProductKind, "product_kind"))
    name: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    next_steps: Mapped[str] = mapped_column(Text)
    pause_note: Mapped[str | None] = mapped_column(Text)
    translations: Mapped[dict[str, dict[str, str]]] = mapped_column(
        JSONB, server_default="{}", default=dict
    )
    unit_amount: Mapped[int]
    currency: Mapped[str] = mapped_column(db.String(3))
    duration_minutes: Mapped[int | None]
    pack_of: Mapped[str | None] = mapped_column(ForeignKey("products.id"))
    pack_size: Mapped[int | None]
    edition: Mapped[str | None] = mapped_column(Text)
    shipping_countries: Mapped[list[str] | None] = mapped_column(ARRAY(db.String(2)))
    is_active: Mapped[bool]
    position: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(
        TIMESTAMP, server_default=func.now(), onupdate=func.now()
    )
    has_file: Mapped[bool] = column_property(
        exists().where(ProductFile.product_id == id).correlate_except(ProductFile)
    )


class Seller(db.Model):  # type: ignore[name-defined,misc]
    """Who sells, for receipts and the imprint: one row.

    `welcome`: headline and introduction of the first page, by language.
    """

    __tablename__ = "sellers"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    legal_name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    tax_id: Mapped[str] = mapped_column(Text)
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    welcome: Mapped[dict[str, dict[str, str]]] = mapped_column(
        JSONB, server_default="{}", default=dict
    )


class CatalogVersion(db.Model):  # type: ignore[name-defined,misc]
    """Which catalog this is: one row, made anew by triggers at every change."""

    __tablename__ = "catalog_versions"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[UUID]
