"""The owner's commands: orders, and what about money needs eyes."""

from storefront.scheduler.timetable import TIMETABLE
from tests.factories.events import complete_session, tell
from tests.fixtures.shop import Shop


def told(shop: Shop, *command: str) -> list[str]:
    """Run a command; give the lines it printed."""
    answer = shop.app.test_cli_runner().invoke(args=list(command))
    assert answer.exit_code == 0, answer.output
    return answer.output.splitlines()


def test_the_newest_orders_come_first_and_as_many_as_asked_for(shop: Shop) -> None:
    numbers = [shop.place().answer["number"] for _ in range(3)]

    lines = told(shop, "orders", "list", "--limit", "2")

    assert [line.split()[0] for line in lines] == [numbers[2], numbers[1]]
    assert "pending" in lines[0]
    assert "Birth chart reading" in lines[0]


def test_an_order_is_shown_with_its_history_however_its_number_is_typed(
    shop: Shop,
) -> None:
    shop.place()
    placed = shop.place()
    shop.pay(placed)

    lines = told(shop, "orders", "show", placed.answer["number"].lower())

    text = "\n".join(lines)
    assert lines[0].startswith(f"{placed.answer['number']}: paid")
    assert f"attempt 1: paid, {placed.session_id}" in text
    assert text.index("created") < text.index("paid  ")


def test_an_order_that_is_not_there_is_said_so(shop: Shop) -> None:
    answer = shop.app.test_cli_runner().invoke(args=["orders", "show", "XXXXXXX"])

    assert answer.exit_code == 1
    assert "There is no order XXXXXXX." in answer.output


def test_open_matters_are_listed_oldest_first_and_settled_ones_left_out(
    shop: Shop,
) -> None:
    orders = [shop.place() for _ in range(3)]
    for placed in orders:
        odd = complete_session(shop, placed, amount_total=1)
        tell(shop, "checkout.session.completed", odd)
    first, second, third = (placed.session_id for placed in orders)
    shop.rows("UPDATE matters SET settled_at = now() WHERE subject = %s", second)
    shop.rows("UPDATE matters SET raised_at = '2026-01-01' WHERE subject = %s", third)

    lines = told(shop, "money")

    assert third in lines[0]
    assert orders[2].answer["number"] in lines[0]
    assert '"expected": 8000' in lines[0]
    assert first in lines[1]
    assert "2 matters are open" in lines[2]
    assert lines[-1] == "0 differences in the last 35 days."


def test_what_differs_from_stripes_books_is_listed(shop: Shop) -> None:
    shop.emulator.drop_webhooks()
    placed = shop.place()
    shop.emulator.pay(placed.session_id)

    lines = told(shop, "money", "--days", "1")

    intent = shop.emulator.session(placed.session_id)["payment_intent"]
    number = placed.answer["number"]
    assert lines[-2:] == [
        f"paid there, not here: {intent}, order {number}, here nothing, there €80.00",
        "1 differences in the last 1 days.",
    ]


def test_jobs_are_listed_with_their_last_run_and_what_went_wrong(shop: Shop) -> None:
    shop.run_job("prune")
    shop.rows(
        "INSERT INTO scheduled_jobs (name, due_at, finished_at, last_error)"
        " VALUES ('reconcile', now(), '2026-01-02 03:04:05Z', 'KeyError: no thing')"
    )

    lines = told(shop, "job", "list")

    assert len(lines) == len(TIMETABLE) + 1
    (at,) = [at for at, line in enumerate(lines) if line.startswith("reconcile ")]
    assert lines[at].endswith("every 0:05:00        last run 2026-01-02 03:04:05 UTC")
    assert lines[at + 1].strip() == "failed: KeyError: no thing"
    assert "not run yet" in next(one for one in lines if one.startswith("send-mail"))
    assert " UTC" in next(one for one in lines if one.startswith("prune"))
