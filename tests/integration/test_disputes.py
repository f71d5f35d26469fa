"""Disputes: each stage is told to the owner once, whoever brings the news."""

from typing import Any

import pytest

from tests.factories.events import deliver, event, outcome_of, tell
from tests.fixtures.shop import Placed, Shop


def disputed(shop: Shop, **given: Any) -> tuple[Placed, str]:
    """Have an order paid, and its payment disputed."""
    placed = shop.place()
    shop.pay(placed)
    charge = shop.emulator.charge_of(placed.session_id)
    dispute = shop.emulator.dispute(charge["id"], **given)
    shop.emulator.wait()
    return placed, dispute["id"]


def matters(shop: Shop) -> dict[str, bool]:
    """Give the reasons for which the owner is asked; whether each is settled."""
    found = shop.rows("SELECT reason, settled_at FROM matters ORDER BY raised_at")
    return {one["reason"]: one["settled_at"] is not None for one in found}


def test_a_dispute_is_a_matter_with_its_figures_and_moves_no_status(shop: Shop) -> None:
    """Row 56: the owner is told of what order, and how much it is about."""
    placed, dispute = disputed(shop, amount=5000, reason="fraudulent")

    matter = shop.row("SELECT reason, subject, order_id, figures FROM matters")
    assert matter == {
        "reason": "dispute opened",
        "subject": dispute,
        "order_id": placed.id,
        "figures": {
            "dispute": {"amount": 5000, "currency": "EUR", "reason": "fraudulent"}
        },
    }
    assert shop.order(placed.id)["status"] == "paid"
    assert shop.history(placed.id) == ["created", "paid"]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_that_ended_settles_what_it_began_with(
    shop: Shop, outcome: str
) -> None:
    """Row 56: its end is told, and nothing is left to do."""
    _, dispute = disputed(shop)
    shop.emulator.move_dispute(dispute, "under_review")
    shop.emulator.wait()
    assert matters(shop) == {"dispute opened": False}

    shop.emulator.close_dispute(dispute, outcome)
    shop.emulator.wait()

    assert matters(shop) == {"dispute opened": True, f"dispute {outcome}": False}


def test_an_inquiry_may_end_without_a_dispute(shop: Shop) -> None:
    """Row 56: a bank that only asked."""
    _, dispute = disputed(shop, inquiry=True)
    assert matters(shop) == {"dispute inquiry": False}

    shop.emulator.close_dispute(dispute, "warning_closed")
    shop.emulator.wait()

    assert matters(shop) == {"dispute inquiry": True, "dispute inquiry closed": False}


def test_an_inquiry_that_became_a_dispute_stays_one_matter_of_each(shop: Shop) -> None:
    """Row 56: from inquiry to won, each stage once."""
    _, dispute = disputed(shop, inquiry=True)
    shop.emulator.move_dispute(dispute, "needs_response")
    shop.emulator.wait()
    assert matters(shop) == {"dispute inquiry": False, "dispute opened": False}

    shop.emulator.close_dispute(dispute, "won")
    shop.emulator.wait()

    assert matters(shop) == {
        "dispute inquiry": True,
        "dispute opened": True,
        "dispute won": False,
    }


def test_old_news_of_a_dispute_opens_it_no_second_time(shop: Shop) -> None:
    _, dispute = disputed(shop)
    (opened,) = shop.emulator.events("charge.dispute.created")
    shop.emulator.close_dispute(dispute, "lost")
    shop.emulator.wait()

    deliver(shop, event("charge.dispute.created", opened["data"]["object"]))

    row = shop.row("SELECT state FROM disputes")
    assert row["state"] == "lost"
    assert matters(shop) == {"dispute opened": True, "dispute lost": False}


def test_a_matter_was_settled_when_it_was_first_answered(shop: Shop) -> None:
    _, dispute = disputed(shop)
    shop.emulator.close_dispute(dispute, "lost")
    shop.emulator.wait()
    settled = "SELECT settled_at FROM matters WHERE reason = 'dispute opened'"
    before = shop.row(settled)
    (closed,) = shop.emulator.events("charge.dispute.closed")

    deliver(shop, event("charge.dispute.closed", closed["data"]["object"]))

    assert shop.row(settled) == before


def test_a_dispute_told_of_before_its_payment_is_kept_and_matched(shop: Shop) -> None:
    shop.emulator.hold_webhooks()
    placed, dispute = disputed(shop)
    shop.emulator.release_webhooks("charge.dispute.*")
    shop.emulator.wait()
    assert matters(shop) == {}

    shop.emulator.release_webhooks()
    shop.emulator.wait()

    assert shop.order(placed.id)["status"] == "paid"
    matter = shop.row("SELECT reason, subject FROM matters")
    assert matter == {"reason": "dispute opened", "subject": dispute}


def test_a_stage_that_stripe_adds_one_day_has_the_owner_look(shop: Shop) -> None:
    _, dispute = disputed(shop, inquiry=True)
    shop.rows("DELETE FROM matters; DELETE FROM disputes")
    (opened,) = shop.emulator.events("charge.dispute.created")

    told = tell(
        shop,
        "charge.dispute.updated",
        {**opened["data"]["object"], "status": "under_the_moon"},
    )

    assert outcome_of(shop, told) == "applied"
    matter = shop.row("SELECT reason, subject FROM matters")
    assert matter == {"reason": "dispute inquiry", "subject": dispute}


def test_a_dispute_of_no_payment_is_ignored(shop: Shop) -> None:
    disputed(shop)
    (opened,) = shop.emulator.events("charge.dispute.created")
    shop.rows("DELETE FROM matters; DELETE FROM disputes")

    nobodys = {**opened["data"]["object"], "payment_intent": None}
    told = tell(shop, "charge.dispute.created", nobodys)

    assert outcome_of(shop, told) == "ignored"
    assert shop.rows("SELECT * FROM disputes") == []


def test_a_dispute_nobody_told_of_is_found_and_followed(shop: Shop) -> None:
    """Row 56: found by the dispute itself; a walk that finds nothing new is idle."""
    shop.emulator.drop_webhooks("charge.dispute.*")
    _, dispute = disputed(shop)
    assert matters(shop) == {}

    assert shop.run_job("reconcile-month") == 1
    assert matters(shop) == {"dispute opened": False}
    assert shop.run_job("reconcile-month") == 0

    shop.emulator.close_dispute(dispute, "won")
    assert shop.run_job("reconcile-month") == 1
    assert matters(shop) == {"dispute opened": True, "dispute won": False}


def test_a_strangers_dispute_is_not_ours_to_find(shop: Shop) -> None:
    shop.emulator.drop_webhooks("charge.dispute.*")
    placed, _ = disputed(shop)
    shop.rows("UPDATE orders SET provider_payment_intent_id = 'pi_other'")
    shop.rows("UPDATE checkout_attempts SET provider_payment_intent_id = 'pi_other'")
    shop.emulator.talk_nonsense({"data": [], "has_more": False}, path="/v1/ch*")

    assert shop.run_job("reconcile-month") == 0

    assert matters(shop) == {}
    assert shop.rows("SELECT * FROM disputes") == []
    assert shop.order(placed.id)["status"] == "paid"


def test_the_end_of_one_dispute_settles_no_other(shop: Shop) -> None:
    _, first = disputed(shop)
    disputed(shop)

    shop.emulator.close_dispute(first, "won")
    shop.emulator.wait()

    rows = shop.rows("SELECT subject, reason, settled_at FROM matters")
    settled = {(row["subject"], row["reason"]) for row in rows if row["settled_at"]}
    assert settled == {(first, "dispute opened")}
    assert len(rows) == 3
