"""The parts of the bench that measure nothing: its ratios, tables and scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.growth import Held, Shop, growth_table, memory_table
from bench.load import Load
from bench.measure import (
    Case,
    Measure,
    Outcome,
    Round,
    busiest_share,
    compare_all,
    evenly,
)
from bench.neighbours import PAYMENT, PAYMENTS, payment_script, pgbench_round
from bench.plot import draw
from bench.pollers import ANEW, KEPT
from bench.pollers import table as pollers_table
from bench.report import COLUMNS, PAGE, page, put_between, table, told, write
from bench.servers import table as servers_table
from bench.stripe_stub import amount_of, length_of, members
from bench.waiting import Look, Time, checkouts_table, paths_table

MARKS = ("bench", "waiting", "pollers", "servers", "growth", "memory")


@contextmanager
def steady() -> Iterator[tuple[Measure, Measure]]:
    """Measure a shop that is half as fast as its reference."""
    yield lambda: Round(50, 4, 1, 2, 8), lambda: Round(100, 1, 1, 1, 4)


@contextmanager
def broken() -> Iterator[tuple[Measure, Measure]]:
    """Fail, as where a program is missing."""
    raise RuntimeError("nothing | here\nmore of it")
    yield


def case(goal: float = 0.5, name: str = "catalog") -> Case:
    """Give a case that can be measured."""
    return Case(name, "as many bytes", goal, steady)


def outcome(*rates: float, goal: float = 0.5, cpu: float = 1.0) -> Outcome:
    """Give the outcome of a shop of these rates beside a reference of 100 a second."""
    return Outcome(
        case(goal),
        [Round(rate, 2.0, 0.5, 3, 9) for rate in rates],
        [Round(100, cpu) for _ in rates],
    )


# Ratios


def test_each_round_is_compared_with_its_own_reference() -> None:
    found = Outcome(case(), [Round(50, 4), Round(90, 2)], [Round(100, 1), Round(60, 1)])

    assert found.by_rate() == [0.5, 1.5]
    assert found.by_cpu() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("rates", "cpu", "is_reached"),
    [
        ((40, 60, 70), 0.2, True),
        ((40, 45, 70), 0.2, False),
        ((40, 45, 49), 1.2, True),
        ((40, 45, 49), 0.0, False),
    ],
)
def test_the_median_of_either_ratio_reaches_the_goal(
    rates: tuple[float, ...], cpu: float, is_reached: bool
) -> None:
    assert outcome(*rates, cpu=cpu).reached is is_reached


def test_without_a_web_server_only_the_rate_counts() -> None:
    assert outcome(50, cpu=0.0).by_cpu() == []


def test_the_busiest_worker_is_told_with_each_pair() -> None:
    one = Outcome(case(), [Round(50, 4, busiest=0.5)], [Round(100, 1, busiest=0.975)])

    assert one.last() == "0.50, busiest worker 98% and 50%"
    assert outcome(50).last() == "0.50"


def test_what_workers_did_before_does_not_count() -> None:
    assert busiest_share({1: 5.0, 2: 0.0}, {1: 8.0, 2: 1.0}) == 0.75
    # One that was started meanwhile.
    assert busiest_share({1: 5.0}, {1: 6.0, 3: 1.0}) == 0.5
    assert busiest_share({1: 5.0}, {1: 6.0}) is None
    assert busiest_share({1: 1.0, 2: 1.0}, {1: 1.0, 2: 1.0}) is None


@pytest.mark.parametrize(
    ("shares", "kept"),
    [
        ((0.5, 0.9), 0.5),
        ((1.0, 0.9, 0.6), 0.6),
        ((1.0, 0.9, 0.8, 0.5), 0.8),
        ((None, 0.5), None),
    ],
)
def test_a_round_of_one_worker_is_measured_anew(
    shares: tuple[float | None, ...], kept: float | None
) -> None:
    rounds = iter([Round(1, 1, busiest=share) for share in shares])

    assert evenly(lambda: next(rounds)).busiest == kept


def test_a_case_that_fails_does_not_stop_the_others() -> None:
    said: list[str] = []
    cases = [Case("poll", "one SELECT", 0.5, broken), case()]

    failed, measured = compare_all(cases, 2, said.append)

    assert failed.trouble == "RuntimeError: nothing | here"
    assert not failed.reached
    assert measured.by_rate() == [0.5, 0.5]
    assert said == [
        "poll: RuntimeError: nothing | here",
        "catalog: pair 1 of 2: 0.50",
        "catalog: pair 2 of 2: 0.50",
    ]


# Tables


def test_a_row_has_the_medians_and_the_span() -> None:
    *_, row = table([outcome(40, 60, 70)]).splitlines()

    assert row == (
        "| catalog | as many bytes | 60.0 | 3.00 | 9.00 | 2.00 | 0.50 | 100 | 1.00 "
        "| 0.40 – **0.60** – 0.70 | 0.50 | 0.50 | yes |"
    )


def test_a_row_says_why_nothing_was_measured() -> None:
    failed = Outcome(case(), trouble="ProgramMissing: a | b")

    *_, row = table([failed]).splitlines()

    assert row.count("|") == len(COLUMNS) + 1
    assert "not measured: ProgramMissing: a / b" in row


def test_the_page_shows_plot_and_table() -> None:
    text = page([outcome(40, 60, 70), Outcome(case(), trouble="away")])

    assert "3 pairs" in text
    assert "](performance.svg)" in text
    assert "| catalog |" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (45.67, "45.7"), (1.234, "1.23"), (0.0123, "0.012")],
)
def test_a_figure_has_as_many_places_as_it_is_good_for(value: float, text: str) -> None:
    assert told(value) == text


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\nc\n<!-- /y -->\n")

    write("x", "new", path)
    write("x", "newer", path)

    assert path.read_text() == (
        "a\n<!-- x -->\nnewer\n<!-- /x -->\nb\n<!-- y -->\nc\n<!-- /y -->\n"
    )


def test_missing_marks_are_told() -> None:
    with pytest.raises(ValueError, match="The marks of x are missing"):
        put_between("<!-- x -->\n", "x", "new")


@pytest.mark.parametrize("name", MARKS)
def test_the_page_has_its_marks(name: str) -> None:
    assert "new" in put_between(PAGE.read_text("utf-8"), name, "new")


def test_growth_is_the_median_of_the_ratios() -> None:
    shops = []
    for orders, times in ((10_000, (1.0, 2.0, 4.0)), (1_000_000, (2.0, 3.0, 4.0))):
        shop = Shop(orders, {})
        shop.rounds["poll"] = [Round(1, 1.0, 0.5, 1.0, time) for time in times]
        shops.append(shop)

    head, _, row = growth_table(shops).splitlines()

    assert "p99 at 1,000,000, ms" in head
    assert row == "| poll | 2.00 | 3.00 | 1.50 | 1.50 | 1.50 | 1.00 |"


def test_memory_is_told_by_worker() -> None:
    *_, row = memory_table([Held(50_000, (2**20, 3 * 2**19))]).splitlines()

    assert row == "| 50,000 | 1.0 | 1.5 |"


# Neighbours


def test_each_client_of_pgbench_pays_orders_of_its_own() -> None:
    script = payment_script(PAYMENT.read_text(), "tag")

    assert script.startswith("\\set place :place + 1\n\\set n (:place - 1) * 8 +")
    assert "provider_session_id = ('cs_test_tag_' || :n)" in script
    assert "%(" not in script


def test_what_pgbench_says_is_read() -> None:
    said = "number of transactions actually processed: 400\ntps = 99.5 (without …)\n"

    assert pgbench_round(said, 0.2) == Round(99.5, 0.0, 0.5)


def test_too_few_orders_for_pgbench_are_told() -> None:
    said = f"transactions actually processed: {PAYMENTS}\ntps = 9.5 (without …)\n"

    with pytest.raises(RuntimeError, match="too few"):
        pgbench_round(said, 0.2)


# Plot


def test_a_plot_names_each_case_that_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"

    draw([outcome(40, 60), Outcome(case(name="away"), trouble="away")], path)

    drawn = path.read_text("utf-8")
    assert ">catalog<" in drawn
    assert ">away<" not in drawn


# While checkouts wait


def load(p95: float, done: int = 100) -> Load:
    """Give a load of ten seconds."""
    return Load(done=done, seconds=10.0, p50=p95 / 2, p95=p95, p99=p95 * 2, refused=1)


def test_what_waiting_does_to_a_path_is_told_as_a_ratio() -> None:
    calm, busy = Look(0, 1, 0.01), Look(3, 2, 0.25)
    times = [
        Time(None, {"catalog": load(4)}, (calm,), 1.0),
        Time(0.3, {"catalog": load(5)}, (calm, busy), 11.0, load(600, 1200)),
        Time(3.0, {"catalog": load(4)}, (calm,), 2.0, load(3100, 150)),
    ]

    *_, path = paths_table(times).splitlines()
    *_, brief, long = checkouts_table(times).splitlines()

    assert path == "| catalog | 2.00 | 4.00 | 5.00 | 1.25 | 4.00 | 1.00 |"
    assert brief == (
        "| 0.3 s | 120 | 160 | 0.75 | 8.33 | 300 | 600 | 1 of 1,201"
        " | 1.50 – 3 | 1.50 – 2 | 250 |"
    )
    assert long.startswith("| 3 s | 15.0 | 16.0 | 0.94 | 6.67 |")


def test_the_stub_makes_the_session_that_is_asked_for() -> None:
    asked = {
        "line_items[0][price_data][unit_amount]": "9500",
        "line_items[0][quantity]": "2",
        "line_items[1][price_data][unit_amount]": "100",
        "line_items[1][quantity]": "3",
        "metadata[order_id]": "one",
    }

    assert amount_of(asked) == 19_300
    assert members(asked, "metadata") == {"order_id": "one"}
    assert length_of("POST / HTTP/1.1\r\nContent-LENGTH: 12\r\n\r\n") == 12
    assert length_of("GET / HTTP/1.1\r\n\r\n") == 0


def test_pollers_are_quick_enough_or_not() -> None:
    rounds = {
        KEPT: [Round(500, 0.4, 0.2, 2, 9, 5, 0.5)],
        ANEW: [Round(490, 0.5, 0.2, 3, 21, 9, 0.75)],
    }

    *_, kept, anew = pollers_table(rounds).splitlines()

    assert kept == f"| {KEPT} | 500 | 2.00 | 5.00 | 9.00 | 0.40 | 0.20 | 50% | yes |"
    assert anew.endswith("| 75% | no |")


def test_one_server_is_told_beside_the_other() -> None:
    found = Outcome(
        case(),
        shop=[Round(300, 0.5, 0, 1, 4, 2, 0.5)],
        reference=[Round(200, 1.5, 0, 2, 8, 4, 0.75)],
    )
    failed = Outcome(case(), trouble="away")

    head, _, row, none = servers_table([found, failed]).splitlines()

    assert row == (
        "| catalog | 200 | 2.00 | 8.00 | 1.50 | 75% | 300 | 1.00 | 4.00 | 0.50 | 50%"
        " | 1.50 – **1.50** – 1.50 | 3.00 |"
    )
    assert none.count("|") == head.count("|")
