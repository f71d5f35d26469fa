"""One order that cannot be settled keeps no other waiting, and the owner knows of it.

The database itself refuses it here, as it would with whatever a fault of ours writes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fixtures.shop import Placed, Shop

JOBS = ["reconcile", "reconcile-month", "expire-orders"]


@contextmanager
def unpayable(shop: Shop, placed: Placed) -> Iterator[None]:
    """Let the database refuse that this order is paid."""
    shop.rows(
        "ALTER TABLE orders ADD CONSTRAINT unpayable"
        f" CHECK (id <> '{placed.id}' OR status <> 'paid') NOT VALID"
    )
    try:
        yield
    finally:
        shop.rows("ALTER TABLE orders DROP CONSTRAINT unpayable")


@pytest.fixture
def paid(shop: Shop) -> list[Placed]:
    """Give overdue orders that are paid, as only Stripe knows."""
    shop.emulator.drop_webhooks()
    placed = [shop.place() for _ in range(3)]
    for one in placed:
        shop.emulator.pay(one.session_id)
        shop.let_deadline_pass(one.id)
    return placed


def statuses(shop: Shop, placed: list[Placed]) -> list[str]:
    return [shop.order(one.id)["status"] for one in placed]


@pytest.mark.parametrize("job", JOBS)
def test_others_are_settled_and_the_owner_is_told_once(
    shop: Shop, paid: list[Placed], job: str
) -> None:
    with unpayable(shop, paid[1]):
        shop.run_job(job)
        shop.run_job(job)

        assert statuses(shop, paid) == ["paid", "pending", "paid"]
        matter = shop.row("SELECT subject, figures FROM matters")
        session = shop.emulator.session(paid[1].session_id)
        assert matter["subject"] == session["payment_intent"]
        assert matter["figures"] == {
            "seen": {"amount": 8000, "currency": "EUR"},
            "error": "IntegrityError",
        }
        # What is due is looked up before the letters about matters are written.
        for _ in range(2):
            shop.run_job("send-mail")
        told = [one for one in shop.mailbox.letters if "could not be" in one.subject]
        assert ["80.00" in letter.text for letter in told] == [True]


@pytest.mark.parametrize("job", JOBS)
def test_when_it_can_be_settled_it_is_and_the_matter_is_closed(
    shop: Shop, paid: list[Placed], job: str
) -> None:
    with unpayable(shop, paid[1]):
        shop.run_job(job)

    shop.run_job(job)
    shop.run_job("reconcile")

    assert statuses(shop, paid) == ["paid", "paid", "paid"]
    assert shop.row("SELECT settled_at FROM matters")["settled_at"]
    assert shop.check() == []


def test_the_walk_comes_to_its_end(shop: Shop, paid: list[Placed]) -> None:
    with unpayable(shop, paid[1]):
        shop.run_job("reconcile-month")

    assert shop.row("SELECT finished_at FROM reconciliations")["finished_at"]


def test_a_collision_is_settled_at_the_second_try(
    shop: Shop, paid: list[Placed]
) -> None:
    """Two processes at the same moment: one of them is refused, and may come again."""
    shop.rows("CREATE SEQUENCE tries")
    shop.rows(
        "CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN IF nextval('tries') = 1 THEN RAISE unique_violation; END IF;"
        " RETURN NEW; END $$;"
        " CREATE TRIGGER refuse_once BEFORE UPDATE ON orders"
        " FOR EACH ROW EXECUTE FUNCTION refuse_once()"
    )
    try:
        shop.run_job("reconcile-month")
    finally:
        shop.rows(
            "DROP TRIGGER refuse_once ON orders; DROP FUNCTION refuse_once;"
            " DROP SEQUENCE tries"
        )

    assert statuses(shop, paid) == ["paid", "paid", "paid"]
    assert shop.rows("SELECT reason FROM matters") == []


def test_trouble_of_the_database_ends_the_run_and_is_no_matter(
    shop: Shop, paid: list[Placed]
) -> None:
    shop.rows(
        "CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE deadlock_detected; END $$;"
        " CREATE TRIGGER deadlock BEFORE UPDATE ON orders"
        " FOR EACH ROW EXECUTE FUNCTION deadlock()"
    )
    try:
        with pytest.raises(Exception, match="deadlock"):
            shop.run_job("reconcile-month")
    finally:
        shop.rows("DROP TRIGGER deadlock ON orders; DROP FUNCTION deadlock")

    failed = shop.row("SELECT last_error FROM scheduled_jobs")["last_error"]
    assert "deadlock" in failed
    assert shop.rows("SELECT reason FROM matters") == []
    shop.run_job("reconcile-month")
    assert statuses(shop, paid) == ["paid", "paid", "paid"]
