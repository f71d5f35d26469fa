"""The emulated clock: real, accelerated or standing, and moved ahead by hand."""

from storefront import clock


def real_now() -> float:
    """Give the real time in seconds since 1970."""
    return clock.now().timestamp()


class EmulatedClock:
    """Tell the emulated time, in whole seconds as Stripe's objects do."""

    def __init__(self, speed: float = 1.0, ahead: float = 0.0) -> None:
        """Start `ahead` seconds before the real time, running at `speed`."""
        self._speed = speed
        self._since = real_now()
        self._base = self._since + ahead

    def now(self) -> int:
        """Give the emulated seconds since 1970."""
        return int(self._base + (real_now() - self._since) * self._speed)

    def advance(self, seconds: float) -> None:
        """Move the clock ahead."""
        self._base += seconds

    def run_at(self, speed: float) -> None:
        """Go on from the present moment at another speed."""
        self._base += (real_now() - self._since) * self._speed
        self._since = real_now()
        self._speed = speed

    def ahead(self) -> float:
        """Give the seconds by which the emulated time is before the real one."""
        return self._base - self._since + (real_now() - self._since) * (self._speed - 1)
