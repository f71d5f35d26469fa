"""Places where a test may have the process killed, as if by a power cut.

Nothing is armed unless FAILPOINT names a place, and production refuses to start then.
"""

import os
import signal

from storefront.errors import SettingsError

_armed = os.environ.get("FAILPOINT")


def reach(place: str) -> None:
    """Die here, without any cleaning up, if this is the place that is armed."""
    if _armed is not None and place == _armed:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(place: str | None) -> None:
    """Choose the place to die at in this process."""
    global _armed
    _armed = place


def refuse_in_production(mode: str) -> None:
    """Keep armed places out of where money is real.

    :raises SettingsError: if one is armed.
    """
    if mode == "production" and _armed is not None:
        raise SettingsError("FAILPOINT is for tests: remove it.")
