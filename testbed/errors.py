"""What can go wrong in a lab. Every message says what was tried, where, and what to do about it."""


class TestbedError(Exception):
    """The lab, or one of the simulated peers in it, could not do what a scenario asked."""

    __test__ = False  # not a test class, whatever its name begins with


class CommandError(TestbedError):
    """A program of the host ended with a non-zero status, or could not be started."""


class PeerError(TestbedError):
    """The UPF under test did not answer, or answered something no peer could use."""
