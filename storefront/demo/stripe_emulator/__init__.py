"""A stand-in for Stripe on loopback: its API, payment page, webhooks, and a desk.

`serve` runs it in the foreground, `running_emulator` in a thread, `create_emulator`
gives the bare Flask app. The module `control` tells what tests can make happen.
"""

from .app import create_emulator
from .config import EmulatorConfig
from .serve import Emulator, running_emulator, serve

__all__ = [
    "Emulator",
    "EmulatorConfig",
    "create_emulator",
    "running_emulator",
    "serve",
]
