"""One packet under the microscope: what every part of a program does to it, and why.

The reference interpreter runs the packet with the entries of a switch or of a file. Nothing is
sent, and no counter, meter or register of a switch is touched. Meters are taken as not used up:
how full they are no switch tells.
"""

from p4xdp.trace.errors import TraceError
from p4xdp.trace.files import FileSource
from p4xdp.trace.source import Source
from p4xdp.trace.steps import Trace
from p4xdp.trace.tracer import trace

__all__ = ["FileSource", "Source", "Trace", "TraceError", "trace"]
