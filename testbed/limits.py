"""What bounds a long run: a time after which it gives up, and Ctrl-C, which must not stop the
cleaning up.
"""

import contextlib
import signal
from collections.abc import Iterator

from testbed.errors import TestbedError


@contextlib.contextmanager
def time_limit(limit_s: int) -> Iterator[None]:
    """Give up after the time limit; what cleans up is outside and takes the time it needs."""

    def give_up(*_: object) -> None:
        raise TestbedError(f"not done after {limit_s} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(limit_s)
    try:
        yield
    finally:
        signal.alarm(0)


def interrupt_once() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt, the first time only."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(*_: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
