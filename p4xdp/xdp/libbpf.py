"""The door to libbpf: its C functions with their types, their log, and errors as exceptions.

Nothing here knows of switches. Everything is of libbpf 1.0 and later.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from ctypes import POINTER, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, ClassVar

from p4xdp.xdp.errors import LoadError

_LOG_LINES_KEPT = 400

_PRINTER = ctypes.CFUNCTYPE(c_int, c_int, c_char_p, c_void_p)
RING_CALLBACK = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)


class TestRunOptions(ctypes.Structure):
    """struct bpf_test_run_opts."""

    __test__ = False  # not for pytest

    _fields_: ClassVar[Any] = (
        ("sz", c_size_t),
        ("data_in", c_void_p),
        ("data_out", c_void_p),
        ("data_size_in", c_uint32),
        ("data_size_out", c_uint32),
        ("ctx_in", c_void_p),
        ("ctx_out", c_void_p),
        ("ctx_size_in", c_uint32),
        ("ctx_size_out", c_uint32),
        ("retval", c_uint32),
        ("repeat", c_int),
        ("duration", c_uint32),
        ("flags", c_uint32),
        ("cpu", c_uint32),
        ("batch_size", c_uint32),
    )


class BatchOptions(ctypes.Structure):
    """struct bpf_map_batch_opts."""

    _fields_: ClassVar[Any] = (("sz", c_size_t), ("elem_flags", c_uint64), ("flags", c_uint64))


class LinkOptions(ctypes.Structure):
    """struct bpf_link_create_opts; the kernel wants what we leave out to be zero."""

    _fields_: ClassVar[Any] = (
        ("sz", c_size_t),
        ("flags", c_uint32),
        ("iter_info", c_void_p),
        ("iter_info_len", c_uint32),
        ("target_btf_id", c_uint32),
        ("unused", c_uint64 * 4),
    )


class LinkInfo(ctypes.Structure):
    """struct bpf_link_info of an XDP link."""

    _fields_: ClassVar[Any] = (
        ("type", c_uint32),
        ("id", c_uint32),
        ("prog_id", c_uint32),
        ("unused", c_uint32),
        ("ifindex", c_uint32),
        ("unused_end", c_uint32 * 11),
    )


class ProgramInfo(ctypes.Structure):
    """struct bpf_prog_info, as far as it is used."""

    _fields_: ClassVar[Any] = (("type", c_uint32), ("id", c_uint32))


class MapInfo(ctypes.Structure):
    """struct bpf_map_info, as far as it is used."""

    _fields_: ClassVar[Any] = (
        ("type", c_uint32),
        ("id", c_uint32),
        ("key_size", c_uint32),
        ("value_size", c_uint32),
        ("max_entries", c_uint32),
        ("map_flags", c_uint32),
    )


class MapOptions(ctypes.Structure):
    """struct bpf_map_create_opts, as far as it is used."""

    _fields_: ClassVar[Any] = (
        ("sz", c_size_t),
        ("btf_fd", c_uint32),
        ("btf_key_type_id", c_uint32),
        ("btf_value_type_id", c_uint32),
        ("btf_vmlinux_value_type_id", c_uint32),
        ("inner_map_fd", c_uint32),
        ("map_flags", c_uint32),
    )


_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "libbpf_set_print": (c_void_p, [_PRINTER]),
    "bpf_object__open": (c_void_p, [c_char_p]),
    "bpf_object__load": (c_int, [c_void_p]),
    "bpf_object__close": (None, [c_void_p]),
    "bpf_object__find_map_by_name": (c_void_p, [c_void_p, c_char_p]),
    "bpf_object__find_program_by_name": (c_void_p, [c_void_p, c_char_p]),
    "bpf_program__set_autoload": (c_int, [c_void_p, c_bool]),
    "bpf_program__fd": (c_int, [c_void_p]),
    "bpf_object__next_map": (c_void_p, [c_void_p, c_void_p]),
    "bpf_map__fd": (c_int, [c_void_p]),
    "bpf_map__name": (c_char_p, [c_void_p]),
    "bpf_map__type": (c_uint32, [c_void_p]),
    "bpf_map__key_size": (c_uint32, [c_void_p]),
    "bpf_map__value_size": (c_uint32, [c_void_p]),
    "bpf_map__max_entries": (c_uint32, [c_void_p]),
    "bpf_map__map_flags": (c_uint32, [c_void_p]),
    "bpf_map__reuse_fd": (c_int, [c_void_p, c_int]),
    "bpf_map__set_max_entries": (c_int, [c_void_p, c_uint32]),
    "bpf_map__initial_value": (c_void_p, [c_void_p, POINTER(c_size_t)]),
    "bpf_map_create": (
        c_int,
        [c_int, c_char_p, c_uint32, c_uint32, c_uint32, POINTER(MapOptions)],
    ),
    "bpf_map_lookup_elem": (c_int, [c_int, c_char_p, c_void_p]),
    "bpf_map_update_elem": (c_int, [c_int, c_char_p, c_char_p, c_uint64]),
    "bpf_map_delete_elem": (c_int, [c_int, c_char_p]),
    "bpf_map_update_batch": (
        c_int,
        [c_int, c_char_p, c_char_p, POINTER(c_uint32), POINTER(BatchOptions)],
    ),
    "bpf_map_lookup_batch": (
        c_int,
        [c_int, c_void_p, c_void_p, c_void_p, c_void_p, POINTER(c_uint32), POINTER(BatchOptions)],
    ),
    "bpf_prog_test_run_opts": (c_int, [c_int, POINTER(TestRunOptions)]),
    "bpf_link_create": (c_int, [c_int, c_int, c_int, POINTER(LinkOptions)]),
    "bpf_link_update": (c_int, [c_int, c_int, c_void_p]),
    "bpf_link_detach": (c_int, [c_int]),
    "bpf_obj_pin": (c_int, [c_int, c_char_p]),
    "bpf_obj_get": (c_int, [c_char_p]),
    "bpf_prog_get_fd_by_id": (c_int, [c_uint32]),
    "bpf_btf_get_fd_by_id": (c_int, [c_uint32]),
    "bpf_obj_get_info_by_fd": (c_int, [c_int, c_void_p, POINTER(c_uint32)]),
    "libbpf_num_possible_cpus": (c_int, []),
    "ring_buffer__new": (c_void_p, [c_int, RING_CALLBACK, c_void_p, c_void_p]),
    "ring_buffer__free": (None, [c_void_p]),
    "ring_buffer__consume": (c_int, [c_void_p]),
    "ring_buffer__epoll_fd": (c_int, [c_void_p]),
}


class Library:
    """libbpf.so.1, loaded. `log` holds the last lines it or the verifier said."""

    def __init__(self) -> None:
        try:
            self.calls = ctypes.CDLL("libbpf.so.1", use_errno=True)
        except OSError as error:
            raise LoadError("libbpf.so.1 is missing: apt-get install libbpf1") from error
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self.calls, name)
            function.restype, function.argtypes = result, arguments
        self.log: list[str] = []
        self._format = ctypes.CDLL(None).vsnprintf
        self._format.argtypes = [c_void_p, c_size_t, c_char_p, c_void_p]
        self._printer = _PRINTER(self._print)  # kept: C holds the pointer
        self.calls.libbpf_set_print(self._printer)

    def _print(self, level: int, form: bytes, arguments: int | None) -> int:
        # 2 is debugging. A va_list is passed as a pointer on x86-64 and arm64 alike.
        if level < 2:
            text = ctypes.create_string_buffer(1 << 16)
            self._format(text, len(text), form, arguments)
            self.log += text.value.decode(errors="replace").splitlines()
            del self.log[:-_LOG_LINES_KEPT]
        return 0


@functools.cache
def library() -> Library:
    """Return libbpf, loaded once."""
    return Library()


def last_error() -> OSError:
    """Return what errno says of the call just made."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def check(result: int, what: str) -> int:
    """Return the `result` of a call that did `what`; LoadError if it is negative."""
    if result < 0:
        error = last_error()
        hint = ""
        if error.errno in (errno.EPERM, errno.EACCES):
            hint = "; run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
        raise LoadError(f"{what}: {error.strerror}{hint}")
    return result
