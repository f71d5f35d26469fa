"""Object ids in Stripe's form; the same seed gives the same ids."""

import random
import string

ALPHABET = string.ascii_letters + string.digits
USUAL_LENGTH = 24
LENGTHS = {"cs_test_": 58, "req_": 14}


class IdMaker:
    """Make ids such as `pi_…` that nobody can guess unless a seed was given."""

    def __init__(self, seed: int | None = None, made: int = 0) -> None:
        """Start; `made` keeps a seeded row from repeating ids of an earlier run."""
        self._random: random.Random = random.SystemRandom()
        if seed is not None:
            self._random = random.Random(f"{seed}:{made}")  # noqa: S311 - asked for

    def make(self, prefix: str) -> str:
        """Give a new id that begins with the prefix."""
        length = LENGTHS.get(prefix, USUAL_LENGTH)
        return prefix + "".join(self._random.choices(ALPHABET, k=length))
