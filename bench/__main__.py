"""The shop beside bare counterparts, in turn; then a table.

    python -m bench --pairs 5 --only webhook --seconds 4

All cases with five pairs or more are written into docs/performance.md, with a plot. The
exit code is 1 where a goal is missed or a case could not be measured.
"""

import argparse
import sys
from collections.abc import Sequence

from bench import cases as paths
from bench.expiry import CASE as EXPIRY
from bench.letters import CASES as LETTERS
from bench.measure import Case, Outcome, compare_all
from bench.neighbours import neighbours
from bench.plot import draw
from bench.report import PAGE, PLOT, page, table, tell, write
from bench.stage import Stage, running_stage

# Fewer say little on a machine that others use too.
PAIRS_WORTH_KEEPING = 5


def main() -> int:
    """Measure, report, and tell whether all goals are reached."""
    options = _options()
    # The length of a round is one for all cases.
    paths.SECONDS = options.seconds
    with running_stage() as stage:
        known = list_cases(stage)
        wanted = [case for case in known if options.only in case.name]
        outcomes = list(compare_all(wanted, options.pairs, tell))
    sys.stdout.write(f"\n{table(outcomes)}\n")
    if len(wanted) == len(known) and options.pairs >= PAIRS_WORTH_KEEPING:
        _keep(outcomes)
    return 0 if all(outcome.reached for outcome in outcomes) else 1


def list_cases(stage: Stage) -> list[Case]:
    """List everything that is compared."""
    return [*paths.cases(stage), EXPIRY, *LETTERS, *neighbours(stage)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench")
    parser.add_argument("--pairs", type=int, default=PAIRS_WORTH_KEEPING)
    parser.add_argument("--only", default="", help="cases whose name has these words")
    parser.add_argument(
        "--seconds", type=float, default=paths.SECONDS, help="a round's length"
    )
    return parser.parse_args()


def _keep(outcomes: Sequence[Outcome]) -> None:
    draw(outcomes, PAGE.with_name(PLOT))
    write("bench", page(outcomes))
    tell(f"written: {PAGE.name} and {PLOT}")


if __name__ == "__main__":
    sys.exit(main())
