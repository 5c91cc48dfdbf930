"""A loaded program as the kernel knows it: where its instructions are, and of which lines."""

from __future__ import annotations

import ctypes
import os
import struct
from ctypes import byref, c_uint32, c_uint64
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from p4xdp.xdp.libbpf import check, library
from testbed.bench.forwarding.stages import Image, Line
from testbed.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import Callable

_BTF_HEADER = struct.Struct("<4xI8xII")  # length, then where its strings are and how long


class _ProgramInfo(ctypes.Structure):
    """struct bpf_prog_info."""

    _fields_: ClassVar[Any] = (
        ("unused_start", c_uint32 * 26),
        ("nr_jited_ksyms", c_uint32),
        ("nr_jited_func_lens", c_uint32),
        ("jited_ksyms", c_uint64),
        ("jited_func_lens", c_uint64),
        ("btf_id", c_uint32),
        ("func_info_rec_size", c_uint32),
        ("func_info", c_uint64),
        ("nr_func_info", c_uint32),
        ("nr_line_info", c_uint32),
        ("line_info", c_uint64),
        ("jited_line_info", c_uint64),
        ("nr_jited_line_info", c_uint32),
        ("line_info_rec_size", c_uint32),
        ("jited_line_info_rec_size", c_uint32),
        ("unused_end", c_uint32 * 13),
    )


class _BtfInfo(ctypes.Structure):
    """struct bpf_btf_info, as far as it is used."""

    _fields_: ClassVar[Any] = (("btf", c_uint64), ("btf_size", c_uint32), ("id", c_uint32))


class _LineInfo(ctypes.Structure):
    """struct bpf_line_info."""

    _fields_: ClassVar[Any] = (
        ("insn_off", c_uint32),
        ("file_name_off", c_uint32),
        ("line_off", c_uint32),
        ("line_col", c_uint32),
    )


def image_of(program_id: int) -> Image:
    """Return where the kernel has put a program, and which line became which instruction."""
    fd = check(library().calls.bpf_prog_get_fd_by_id(program_id), f"program {program_id}")
    try:
        has = _ProgramInfo()
        _info(fd, has)
        addresses, lengths = (c_uint64 * has.nr_jited_ksyms)(), (c_uint32 * has.nr_jited_ksyms)()
        lines = (_LineInfo * has.nr_line_info)()
        places = (c_uint64 * has.nr_jited_line_info)()
        wanted = _ProgramInfo(
            nr_jited_ksyms=len(addresses),
            nr_jited_func_lens=len(lengths),
            jited_ksyms=ctypes.addressof(addresses),
            jited_func_lens=ctypes.addressof(lengths),
            nr_line_info=len(lines),
            line_info=ctypes.addressof(lines),
            line_info_rec_size=ctypes.sizeof(_LineInfo),
            nr_jited_line_info=len(places),
            jited_line_info=ctypes.addressof(places),
            jited_line_info_rec_size=ctypes.sizeof(c_uint64),
        )
        _info(fd, wanted)
    finally:
        os.close(fd)
    if not places:
        raise TestbedError("the kernel does not say where the program's lines are; run as root")
    name = _names(has.btf_id)
    return Image(
        tuple(zip(addresses, lengths, strict=True)),
        tuple(
            Line(place, name(line.file_name_off), line.line_col >> 10)
            for place, line in zip(places, lines, strict=True)
        ),
    )


def _names(btf_id: int) -> Callable[[int], str]:
    """Return what tells the file of a line, by the offset of its name among a BTF's strings."""
    fd = check(library().calls.bpf_btf_get_fd_by_id(btf_id), f"BTF {btf_id}")
    try:
        size = _BtfInfo()
        _info(fd, size)
        text = ctypes.create_string_buffer(size.btf_size)
        _info(fd, _BtfInfo(btf=ctypes.addressof(text), btf_size=size.btf_size))
    finally:
        os.close(fd)
    header_octets, first, octets = _BTF_HEADER.unpack_from(text.raw)
    strings = text.raw[header_octets + first : header_octets + first + octets]

    def name(offset: int) -> str:
        return Path(strings[offset : strings.index(b"\0", offset)].decode()).name

    return name


def _info(fd: int, into: ctypes.Structure) -> None:
    size = c_uint32(ctypes.sizeof(into))
    check(library().calls.bpf_obj_get_info_by_fd(fd, byref(into), byref(size)), "asking of it")
