"""`python -m bench`: measure, and write what came out into docs/performance.md."""

import argparse
import sys
from time import strftime

from bench.cases import cases
from bench.measure import Outcome, compare
from bench.stage import running_stage

PAIRS = 5


def main() -> int:
    """Measure the cases that are asked for; 1 if one misses its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    wanted = parser.parse_args()
    with running_stage() as stage:
        outcomes = [
            compare(case, wanted.pairs, tell)
            for case in cases(stage)
            if wanted.only in case.name
        ]
    for outcome in outcomes:
        show(outcome)
    return 0 if all(outcome.reached for outcome in outcomes) else 1


def tell(what: str) -> None:
    """Say on the terminal how far it is."""
    print(strftime("%H:%M:%S"), what, flush=True)


def show(o: Outcome) -> None:
    for a, b in zip(o.shop, o.reference):
        print(o.case.name, "shop", a, "bare", b)
    print(o.case.name, o.by_rate(), o.by_cpu(), o.reached)


if __name__ == "__main__":
    sys.exit(main())
