"""XDP links: what ties a program to an interface, while somebody holds it or it is pinned."""

from __future__ import annotations

import ctypes

from p4xdp.xdp.libbpf import LinkInfo, LinkOptions, ProgramInfo, check, last_error, library

_ATTACH_TYPE_XDP = 37  # enum bpf_attach_type


def link_xdp(program_fd: int, ifindex: int, flags: int) -> int:
    """Attach an XDP program to an interface; return the link, which closing detaches. OSError."""
    options = LinkOptions(sz=ctypes.sizeof(LinkOptions), flags=flags)
    link: int = library().calls.bpf_link_create(program_fd, ifindex, _ATTACH_TYPE_XDP, options)
    if link < 0:
        raise last_error()
    return link


def replace_program(link_fd: int, program_fd: int) -> None:
    """Have a link run another program from the next packet on."""
    check(library().calls.bpf_link_update(link_fd, program_fd, None), "replacing a program")


def interface_of(link_fd: int) -> int:
    """Return the index of a link's interface; 0 if that is gone."""
    return int(_link_info(link_fd).ifindex)


def runs(link_fd: int, program_fd: int) -> bool:
    """Return whether a link runs that program."""
    info = ProgramInfo()
    size = ctypes.c_uint32(ctypes.sizeof(info))
    asked = library().calls.bpf_obj_get_info_by_fd(
        program_fd, ctypes.byref(info), ctypes.byref(size)
    )
    check(asked, "asking for a program")
    return bool(info.id == _link_info(link_fd).prog_id)


def _link_info(link_fd: int) -> LinkInfo:
    info = LinkInfo()
    size = ctypes.c_uint32(ctypes.sizeof(info))
    asked = library().calls.bpf_obj_get_info_by_fd(link_fd, ctypes.byref(info), ctypes.byref(size))
    check(asked, "asking for a link")
    return info
