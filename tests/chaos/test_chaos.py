"""The parts of the chaos run that need no shop: its plan, its crowd, its figures."""

import time
from itertools import islice

import pytest

from tests.chaos.crowd import Crowd, Visit
from tests.chaos.director import Strike
from tests.chaos.faults import CATALOGUE, FAULTS
from tests.chaos.notes import CUT, Answer
from tests.chaos.numbers import paces, percentile, recoveries, slices
from tests.chaos.schedule import next_beat, plan
from tests.tools.reliability import ROWS


def test_a_seed_decides_which_faults_come() -> None:
    first, again, other = (list(islice(plan(s, [*FAULTS]), 100)) for s in (7, 7, 8))

    assert first == again
    assert first != other


def test_the_whole_catalogue_comes_before_anything_comes_again() -> None:
    names = [one.fault for one in islice(plan(7, [*FAULTS]), 2 * len(FAULTS))]

    assert sorted(names[: len(FAULTS)]) == sorted(FAULTS)
    assert sorted(names[len(FAULTS) :]) == sorted(FAULTS)


def test_no_two_faults_have_one_name_and_each_tells_its_rows() -> None:
    assert len(FAULTS) == len(CATALOGUE)
    assert all(fault.rows for fault in CATALOGUE)
    assert {row for fault in CATALOGUE for row in fault.rows} <= set(ROWS)


@pytest.mark.parametrize(
    ("now", "beat"), [(0.0, 5.0), (5.0, 5.0), (5.1, 10.0), (12.0, 15.0)]
)
def test_a_fault_waits_for_the_next_beat(now: float, beat: float) -> None:
    assert next_beat(now) == beat


def test_a_crowd_brings_every_visit_to_its_end() -> None:
    crowd, seen = Crowd(threads=2), []

    def visit(number: int) -> Visit:
        yield 0.01
        seen.append(number)

    for number in range(20):
        crowd.enter(visit(number))

    assert crowd.leave(5)
    assert sorted(seen) == list(range(20))


def test_who_pauses_holds_nobody_up() -> None:
    crowd, begun = Crowd(threads=2), time.monotonic()

    def visit() -> Visit:
        yield 0.3

    for _ in range(50):
        crowd.enter(visit())

    assert crowd.leave(5)
    assert time.monotonic() - begun < 2


def test_the_slowest_recovery_comes_first_and_none_before_it() -> None:
    strikes = [
        Strike("a", 5, 6, 1.0),
        Strike("a", 10, 11, 3.0),
        Strike("b", 15, 16, 4.0),
        Strike("c", 20, 21, None),
    ]

    assert [tuple(row) for row in recoveries(strikes)] == [
        ("c", 1, 0.0, None),
        ("b", 1, 4.0, 4.0),
        ("a", 2, 2.0, 3.0),
    ]


ANSWERS = [
    Answer(0.5, 0.1, "checkout", 201),
    Answer(0.7, 0.3, "checkout", 503),
    Answer(1.5, 0.2, "order page", 200),
    Answer(1.6, 9.0, "order page", CUT),
    Answer(9.9, 0.1, "checkout", 303),
]


def test_times_are_told_of_good_answers_and_errors_are_counted() -> None:
    assert [tuple(row) for row in paces(ANSWERS)] == [
        ("checkout", 3, 1, 0.1, 0.1),
        ("order page", 2, 1, 0.2, 0.2),
    ]


def test_a_run_is_cut_into_slices() -> None:
    first, second = slices(ANSWERS, seconds=2, width=1)

    assert (first.orders, first.errors, first.p95) == (1, 1, 0.3)
    assert (second.orders, second.errors, second.p95) == (0, 1, 9.0)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 51), (0.95, 96), (0.0, 1), (1.0, 100)]
)
def test_a_percentile(share: float, value: float) -> None:
    assert percentile(range(1, 101), share) == value
    assert percentile([], share) == 0
