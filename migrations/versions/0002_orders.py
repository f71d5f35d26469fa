"""Orders, their history, and the facts that their status follows from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE order_number_seq")
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("page_token", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending", "paid", "failed", "refunded", "canceled", name="order_status"
            ),
            nullable=False,
        ),
        sa.Column(
            "line_items", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_amount", sa.Integer(), nullable=False),
        sa.Column("amount_refunded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("customer_email", sa.Text(), nullable=False),
        sa.Column("customer_name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column(
            "shipping_address",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
        ),
        sa.Column(
            "provider", sa.Enum("stripe", name="payment_provider"), nullable=False
        ),
        sa.Column("provider_session_id", sa.Text(), nullable=True),
        sa.Column("provider_payment_intent_id", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status IN ('paid', 'refunded')) = (paid_at IS NOT NULL)",
            name=op.f("ck_orders_paid_at_when_paid"),
        ),
        sa.CheckConstraint(
            "currency ~ '^[A-Z]{3}$'", name=op.f("ck_orders_currency_upper_case")
        ),
        sa.CheckConstraint(
            "amount_refunded BETWEEN 0 AND total_amount",
            name=op.f("ck_orders_refunded_within_total"),
        ),
        sa.CheckConstraint("total_amount > 0", name=op.f("ck_orders_total_above_zero")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
        sa.UniqueConstraint("page_token", name=op.f("uq_orders_page_token")),
        sa.UniqueConstraint(
            "provider_payment_intent_id",
            name=op.f("uq_orders_provider_payment_intent_id"),
        ),
        sa.UniqueConstraint(
            "provider_session_id", name=op.f("uq_orders_provider_session_id")
        ),
    )
    op.create_index("ix_orders_created_at", "orders", ["created_at"], unique=False)
    op.create_index(
        "ix_orders_pending_deadline",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "order_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False
        ),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column(
            "event_type",
            sa.Enum(
                "created",
                "paid",
                "refunded",
                "failed",
                "canceled",
                name="order_event_type",
            ),
            nullable=False,
        ),
        sa.Column(
            "event_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index(
        "ix_order_events_order_id",
        "order_events",
        ["order_id", "sequence"],
        unique=False,
    )
    op.create_index(
        "uq_order_events_one_paid",
        "order_events",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("event_type = 'paid'"),
    )
    op.create_table(
        "checkout_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "prepared",
                "open",
                "processing",
                "expired",
                "failed",
                "disagrees",
                "paid",
                name="checkout_attempt_state",
            ),
            nullable=False,
        ),
        sa.Column(
            "parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("provider_session_id", sa.Text(), nullable=True),
        sa.Column("provider_payment_intent_id", sa.Text(), nullable=True),
        sa.Column(
            "is_spoiled", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_checkout_attempts_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkout_attempts")),
        sa.UniqueConstraint(
            "idempotency_key", name=op.f("uq_checkout_attempts_idempotency_key")
        ),
        sa.UniqueConstraint(
            "order_id", "position", name=op.f("uq_checkout_attempts_order_id_position")
        ),
        sa.UniqueConstraint(
            "provider_payment_intent_id",
            name=op.f("uq_checkout_attempts_provider_payment_intent_id"),
        ),
        sa.UniqueConstraint(
            "provider_session_id", name=op.f("uq_checkout_attempts_provider_session_id")
        ),
    )
    op.create_index(
        "ix_checkout_attempts_to_ask",
        "checkout_attempts",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('prepared', 'open', 'processing')"),
    )
    op.create_index(
        "uq_checkout_attempts_one_open",
        "checkout_attempts",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('prepared', 'open', 'processing')"),
    )
    op.create_table(
        "refunds",
        sa.Column("provider_refund_id", sa.Text(), nullable=False),
        sa.Column("provider_payment_intent_id", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "requires_action",
                "succeeded",
                "canceled",
                "failed",
                name="refund_state",
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("counted_amount", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_refunds_amount_not_negative")),
        sa.PrimaryKeyConstraint("provider_refund_id", name=op.f("pk_refunds")),
    )
    op.create_index(
        "ix_refunds_provider_payment_intent_id",
        "refunds",
        ["provider_payment_intent_id"],
        unique=False,
    )
    op.create_table(
        "disputes",
        sa.Column("provider_dispute_id", sa.Text(), nullable=False),
        sa.Column("provider_payment_intent_id", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "warning_needs_response",
                "warning_under_review",
                "warning_closed",
                "needs_response",
                "under_review",
                "won",
                "lost",
                name="dispute_state",
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("provider_dispute_id", name=op.f("pk_disputes")),
    )
    op.create_index(
        "ix_disputes_provider_payment_intent_id",
        "disputes",
        ["provider_payment_intent_id"],
        unique=False,
    )
    op.create_table(
        "refund_readings",
        sa.Column("provider_payment_intent_id", sa.Text(), nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "provider_payment_intent_id", name=op.f("pk_refund_readings")
        ),
    )
    op.create_index(
        op.f("ix_refund_readings_due_at"), "refund_readings", ["due_at"], unique=False
    )
    op.create_table(
        "matters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "raised_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_matters_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matters")),
        sa.UniqueConstraint(
            "reason", "subject", name=op.f("uq_matters_reason_subject")
        ),
    )
    op.create_index("ix_matters_order_id", "matters", ["order_id"], unique=False)
    # History is added to, never rewritten, whoever is at the keyboard.
    op.execute(
        """
        CREATE FUNCTION refuse_rewriting_history() RETURNS trigger AS $$
        BEGIN
            RAISE EXCEPTION 'order_events is append-only';
        END
        $$ LANGUAGE plpgsql
        """
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON order_events
        FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_history()
        """
    )
    op.execute(
        """
        CREATE TRIGGER never_emptied BEFORE TRUNCATE ON order_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history()
        """
    )


def downgrade() -> None:
    op.drop_table("matters")
    op.drop_table("refund_readings")
    op.drop_table("disputes")
    op.drop_table("refunds")
    op.drop_table("checkout_attempts")
    op.drop_table("order_events")
    op.drop_table("orders")
    op.execute("DROP FUNCTION refuse_rewriting_history")
    op.execute("DROP SEQUENCE order_number_seq")
    op.execute("DROP TYPE order_status")
    op.execute("DROP TYPE payment_provider")
    op.execute("DROP TYPE order_event_type")
    op.execute("DROP TYPE checkout_attempt_state")
    op.execute("DROP TYPE refund_state")
    op.execute("DROP TYPE dispute_state")
