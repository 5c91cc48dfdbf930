"""The reference interpreter: what the elaborated program means, as plainly as it can be said.

It is the oracle the XDP code is held against, and a switch without an interface for tests. Nothing
here is fast on purpose.
"""

from p4xdp.interp.interpreter import Interpreter

__all__ = ["Interpreter"]
