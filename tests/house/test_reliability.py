"""The table of faults claims nothing without a test."""

import pytest

from tests.tools.figures import BEGIN, END, PAGE, summed, told
from tests.tools.mutants import MUTANTS, ROOT, Mutant
from tests.tools.reliability import MISSING, ROWS, list_tests, rows_of


def test_every_row_is_either_tried_or_named_as_missing() -> None:
    tried = set().union(*list_tests().values())
    assert set(ROWS) - tried == set()
    assert set(ROWS) & set(MISSING) == set()
    assert set(ROWS) | set(MISSING) == set(range(1, 60))


def test_rows_are_read_from_the_first_words_of_a_docstring() -> None:
    assert rows_of("Row 3: it waits.") == {3}
    assert rows_of("Rows 1 and 2: it waits.") == {1, 2}
    assert rows_of("Rows 1 to 3, 7 and 9: it waits.") == {1, 2, 3, 7, 9}
    assert rows_of("It waits for row 3.") == set()


def test_figures_add_up_and_of_the_worst_the_largest_is_kept() -> None:
    found = [("steps", 3), ("worst of 2", 0.5), ("steps", "4"), ("worst of 2", 0.25)]
    assert summed(found) == {"steps": 7, "worst of 2": 0.5}
    assert [told(value) for value in (20000.0, 0.256)] == ["20,000", "0.26"]


def test_the_page_has_a_place_for_the_figures_of_a_long_run() -> None:
    page = PAGE.read_text("utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert page.index(BEGIN) < page.index(END)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_takes_away_is_there_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.old) == 1
    assert all((ROOT / path).exists() for path in mutant.tests.split())
