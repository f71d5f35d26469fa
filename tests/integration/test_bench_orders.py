"""What the measurements measure: made-up sales that the shop could have written."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from bench import sales
from bench.orders import (
    Payable,
    add_overdue,
    add_payable,
    fill,
    is_filled,
    sizes,
    tabulate,
)
from storefront.demo.books import read_books
from storefront.demo.check import (
    history_tells_the_same,
    letters_say_what_is_true,
    nothing_is_stuck,
)
from tests.factories.events import complete_session, pay_by_events, tell
from tests.fixtures.postgres_server import Server, connected
from tests.fixtures.shop import Shop
from tests.house.test_models import definitions

ORDERS = 2000
WRITTEN = ("orders", "checkout_attempts", "order_events", "checkout_requests")
NO_LEDGER: dict[str, Any] = {"charges": [], "refunds": [], "sessions": []}


@pytest.fixture(scope="module")
def told() -> list[str]:
    """Give what was told while the database was filled."""
    return []


@pytest.fixture(scope="module")
def filled(postgres: Server, template_database: str, told: list[str]) -> Iterator[str]:
    """Give a database that was filled."""
    name = f"{postgres.prefix}_filled"
    with postgres.locked():
        url = postgres.create_database(name, template_database)
    fill(url, ORDERS, told.append)
    yield url
    postgres.drop_database(name)


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    """Ask a database."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def shape(value: Any) -> Any:
    """Give what two rows of one kind have in common: types, and members of JSON."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value)


def rows_of(shop: Shop, order_id: str) -> dict[str, list[dict[str, Any]]]:
    """Give the rows that belong to an order."""
    return {
        table: shop.rows(
            f"SELECT * FROM {table} WHERE"  # noqa: S608 - a table of ours
            f" {'id' if table == 'orders' else 'order_id'} = %s",
            order_id,
        )
        for table in WRITTEN
    }


def complete(shop: Shop, payable: Payable) -> None:
    """Have Stripe tell that a made-up order is paid."""
    placed = shop.place()
    session = complete_session(
        shop,
        placed,
        id=payable.session_id,
        client_reference_id=str(payable.order_id),
        amount_total=payable.amount,
        currency=payable.currency.lower(),
        payment_intent=f"pi_{payable.order_id}",
        metadata={
            "storefront": shop.url,
            "order_id": str(payable.order_id),
            "attempt_id": str(payable.attempt_id),
        },
    )
    tell(shop, "checkout.session.completed", session)


def test_a_payable_order_looks_as_the_shop_writes_one(shop: Shop) -> None:
    placed = shop.place("birth-chart-reading")
    payables = add_payable(shop.database_url, 40, "alike")

    ours = rows_of(shop, placed.id)
    alike = [rows_of(shop, str(one.order_id)) for one in payables]
    plain = [
        rows
        for rows in alike
        if not rows["orders"][0]["consent"]
        and "shipping_address_collection"
        not in rows["checkout_attempts"][0]["parameters"]
        and not rows["orders"][0]["note"]
    ]

    assert plain
    for rows in plain:
        assert shape(rows) == shape(ours)
    for theirs in alike:
        for table, columns in (
            ("orders", ("status", "provider", "currency", "amount_refunded")),
            ("checkout_attempts", ("position", "state", "is_spoiled")),
            ("order_events", ("event_type", "event_metadata")),
        ):
            for column in columns:
                assert theirs[table][0][column] == ours[table][0][column]


def test_a_payable_order_is_what_it_is_said_to_be(shop: Shop) -> None:
    (payable,) = add_payable(shop.database_url, 1, "said")

    assert payable.session_id == "cs_test_said_1"
    order = shop.row("SELECT * FROM orders")
    attempt = shop.row("SELECT * FROM checkout_attempts")
    assert payable == Payable(
        UUID(order["id"]),
        UUID(attempt["id"]),
        attempt["provider_session_id"],
        order["number"],
        order["page_token"],
        order["total_amount"],
        order["currency"],
    )
    assert shop.get(f"/orders/{payable.page_token}").status_code == 200


def test_a_payable_order_is_paid_by_its_event(shop: Shop) -> None:
    (payable,) = add_payable(shop.database_url, 1, "paid")

    complete(shop, payable)

    assert shop.order(str(payable.order_id))["status"] == "paid"
    assert shop.history(str(payable.order_id)) == ["created", "paid"]
    assert shop.rows("SELECT * FROM matters") == []
    letters = shop.rows(
        "SELECT kind FROM letters WHERE order_id = %s", str(payable.order_id)
    )
    assert {row["kind"] for row in letters} == {"receipt", "new_order"}


def test_an_overdue_order_is_taken_by_the_next_expiry(shop: Shop) -> None:
    (overdue,) = add_overdue(shop.database_url, 1, "late")

    shop.run_job("expire-orders")

    # The emulator does not know its session: it counts as closed, and that is told.
    assert shop.order(str(overdue.order_id))["status"] == "canceled"


def test_the_shop_goes_on_behind_what_was_added(shop: Shop) -> None:
    first, second = (
        add_payable(shop.database_url, 2, tag)[-1].number for tag in ("a", "b")
    )
    placed = shop.place()
    pay_by_events(shop, placed)

    assert len({first, second, placed.answer["number"]}) == 3


def test_each_kind_of_order_is_there_in_its_share(filled: str) -> None:
    found = dict(ask(filled, "SELECT status::text, count(*) FROM orders GROUP BY 1"))

    assert sum(found.values()) == ORDERS
    shares = {status: count / ORDERS for status, count in found.items()}
    assert shares == pytest.approx(
        {
            "paid": 0.825,
            "canceled": 0.12,
            "refunded": 0.03,
            "failed": 0.02,
            "pending": 0.005,
        },
        abs=0.03,
    )


def test_the_books_of_what_was_filled_agree(filled: str) -> None:
    books = read_books(filled, NO_LEDGER, None)

    assert list(history_tells_the_same(books)) == []
    assert list(letters_say_what_is_true(books)) == []
    assert list(nothing_is_stuck(books)) == []
    assert not any(
        order["overdue"] and order["status"] == "pending" for order in books.orders
    )
    returned = ask(
        filled,
        "SELECT count(*) FROM refunds r"
        " JOIN orders o USING (provider_payment_intent_id)"
        " WHERE r.counted_amount = r.amount AND r.amount = o.amount_refunded",
    )
    assert returned == ask(filled, "SELECT count(*) FROM refunds")


def test_what_is_thrown_away_in_time_is_not_there(filled: str) -> None:
    assert ask(
        filled,
        "SELECT min(received_at) > now() - interval '91 days' FROM stripe_events"
        " UNION ALL"
        " SELECT min(created_at) > now() - interval '4 days' FROM checkout_requests",
    ) == [(True,), (True,)]


def test_filling_leaves_all_indexes_and_constraints_behind(
    filled: str, database_url: str
) -> None:
    assert definitions(filled) == definitions(database_url)


def test_ten_million_sales_have_room_in_their_years(database_url: str) -> None:
    with connected(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(sales.FUNCTIONS, {"salt": "years", "tag": None})
        cursor.execute("SELECT pg_temp.part(5000000, 10000000, '1826 days')::text")

        assert cursor.fetchone() == ("913 days",)


def test_what_is_filled_is_not_filled_twice(filled: str, database_url: str) -> None:
    assert is_filled(filled)
    assert not is_filled(database_url)
    with pytest.raises(ValueError, match="There are orders"):
        fill(filled, ORDERS, print)
    with pytest.raises(ValueError, match="Fewer than a thousand"):
        fill(filled, 999, print)


def test_each_step_is_told_and_sizes_are_known(filled: str, told: list[str]) -> None:
    assert any(sentence.startswith(f"orders: {ORDERS} rows") for sentence in told)
    found = {size.table: size for size in sizes(filled)}
    assert found["orders"].rows == ORDERS
    assert "| `orders` | 2,000 |" in tabulate(list(found.values()), ORDERS)
