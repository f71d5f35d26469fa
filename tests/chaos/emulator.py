"""The Stripe emulator as a process of its own: it must not share the load's Python."""

import sys

from storefront.demo.stripe_emulator.serve import serve

# A delivery that fails is repeated after 1, 2, 4, … 32 seconds, and then lost.
FIRST_PAUSE, ATTEMPT_LIMIT = 1.0, 7
# As many at once as the shop answers in the worst case; Stripe has more.
COURIERS = 16


def main(port: int) -> None:
    """Serve until told to end."""
    serve(
        port=port,
        first_pause=FIRST_PAUSE,
        attempt_limit=ATTEMPT_LIMIT,
        couriers=COURIERS,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
