"""The table of faults claims nothing without a test."""

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
