"""What the emulator is told at its start; every value has a default that works."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

Endpoints = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class EmulatorConfig:
    """How one emulator behaves.

    An endpoint is a URL and its signing secret; several secrets, separated by commas,
    all sign (that is how Stripe signs while a secret is being rolled).
    """

    endpoints: Endpoints = ()
    ledger: Path | None = None
    origin: str = "http://127.0.0.1"
    allow_remote: bool = False
    # Same seed, same ids: for tests that compare whole answers.
    seed: int | None = None
    # Emulated seconds per real second; 0 stands still until the clock is advanced.
    clock_speed: float = 1.0
    # Stripe publishes neither its pauses nor its limit; these double from the first
    # up to an hour and end after about half a day.
    first_pause: float = 1.0
    attempt_limit: int = 16
    # Stripe's time limit is unpublished; 10 s is what integrations assume.
    delivery_timeout: float = 10.0
    couriers: int = 4
