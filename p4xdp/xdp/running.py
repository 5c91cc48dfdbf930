"""Running a loaded program by hand: for tests, and for packets from the controller."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from p4xdp.xdp.libbpf import TestRunOptions, check, library

_RUN_LIVE_FRAMES = 1 << 1  # BPF_F_TEST_XDP_LIVE_FRAMES
_LARGEST_FRAME = 16384


@dataclass(frozen=True, slots=True)
class RunResult:
    """What BPF_PROG_TEST_RUN says: the program's return value, the frame after it, and the mean
    time of one run in nanoseconds.
    """

    verdict: int
    frame: bytes
    duration_ns: int


def run_program(program_fd: int, frame: bytes, *, repeat: int = 1) -> RunResult:
    """Run an XDP program on `frame`."""
    out = ctypes.create_string_buffer(_LARGEST_FRAME)
    data = ctypes.create_string_buffer(frame, len(frame))
    options = TestRunOptions(
        sz=ctypes.sizeof(TestRunOptions),
        data_in=ctypes.addressof(data),
        data_size_in=len(frame),
        data_out=ctypes.addressof(out),
        data_size_out=_LARGEST_FRAME,
        repeat=repeat,
    )
    check(library().calls.bpf_prog_test_run_opts(program_fd, options), "running a frame")
    return RunResult(options.retval, out.raw[: options.data_size_out], options.duration)


def inject_frame(program_fd: int, frame: bytes, *, repeat: int = 1) -> None:
    """Run an XDP program on `frame` for real: redirected frames leave (kernel 5.18). From the
    second one on, a frame is what the program and those behind it have left of an earlier one.
    """
    data = ctypes.create_string_buffer(frame, len(frame))
    options = TestRunOptions(
        sz=ctypes.sizeof(TestRunOptions),
        data_in=ctypes.addressof(data),
        data_size_in=len(frame),
        flags=_RUN_LIVE_FRAMES,
        repeat=repeat,
    )
    check(library().calls.bpf_prog_test_run_opts(program_fd, options), "sending a frame")
