"""Where one UPF's PFCP answer says less than another's to the same request. Pure."""

from collections.abc import Iterator

from scapy.contrib import pfcp as n4
from scapy.packet import Packet

from testbed import dissection

_CAUSE, _FTEID, _CREATED_PDR, _FSEID, _PDR_ID, _NODE_ID, _URR_ID = 19, 21, 8, 57, 56, 60, 81

#: Only seen where packets flowed between the requests, which a replay of N4 alone does not repeat.
_OF_TRAFFIC = frozenset({66, 67, 69, 70, 75, 76})  # volume, duration, first and last packet, times

#: IEs whose value is the answer, not the UPF's choice.
_FIXED = frozenset({_CAUSE, _PDR_ID, _URR_ID})


def differences(theirs: Packet, ours: Packet) -> Iterator[str]:
    """What `theirs` carries and `ours` lacks or says otherwise, one sentence each."""
    if theirs.message_type != ours.message_type:
        yield f"it is a {dissection.name(ours)}, not a {dissection.name(theirs)}"
        return
    if theirs.S and int(theirs.seid) != int(ours.seid):
        yield f"SEID {int(ours.seid):#x} in the header instead of {int(theirs.seid):#x}"
    yield from _lacking(theirs, ours, "")
    if _shared_fteids(theirs) != _shared_fteids(ours):
        yield "other PDRs share their F-TEID: " + _sharing(_shared_fteids(ours))


def _lacking(theirs: Packet, ours: Packet, where: str) -> Iterator[str]:
    for expected in _carried(theirs):
        number = int(expected.ietype)
        title = f"{where}{n4.IEType.get(number, f'IE {number}')}"
        identity = _identity(expected)
        alike = [ie for ie in dissection.ies(ours, number) if _identity(ie) == identity]
        if not alike:
            of = f" of rule {identity.hex()}" if identity else ""
            yield f"{title}{of} is missing"
            continue
        yield from _contradicting(expected, alike[0], title)
        if isinstance(expected, n4.IE_Compound):
            yield from _lacking(expected, alike[0], f"{title} / ")


def _carried(group: Packet) -> list[Packet]:
    inside = group.payload if isinstance(group, n4.PFCP) else group
    return [ie for ie in getattr(inside, "IE_list", ()) if ie.ietype not in _OF_TRAFFIC]


def _identity(ie: Packet) -> bytes:
    """The rule id inside a grouped IE: there may be several of its type."""
    for number in (_PDR_ID, _URR_ID):
        for found in dissection.ies(ie, number):
            return dissection.value(found)
    return b""


def _contradicting(theirs: Packet, ours: Packet, title: str) -> Iterator[str]:
    number, expected, found = int(theirs.ietype), dissection.value(theirs), dissection.value(ours)
    if number in _FIXED and expected != found:
        yield f"{title} is {found.hex()} instead of {expected.hex()}"
    elif number in (_FTEID, _FSEID) and _families(theirs) - _families(ours):
        yield f"{title} lacks an address of {', '.join(sorted(_families(theirs)))}"
    elif number == _NODE_ID and theirs.id_type != ours.id_type:
        yield f"{title} is of type {ours.id_type} instead of {theirs.id_type}"


def _families(ie: Packet) -> set[str]:
    """Address families an F-TEID or F-SEID gives."""
    flags = {"IPv4": ("V4", "v4"), "IPv6": ("V6", "v6")}
    return {
        family for family, names in flags.items() if any(getattr(ie, name, 0) for name in names)
    }


def _shared_fteids(message: Packet) -> frozenset[frozenset[int]]:
    """Groups of PDR ids that got the same F-TEID."""
    groups: dict[bytes, set[int]] = {}
    for created in dissection.ies(message, _CREATED_PDR):
        for pdr_id in dissection.ies(created, _PDR_ID):
            for fteid in dissection.ies(created, _FTEID):
                groups.setdefault(dissection.value(fteid), set()).add(int(pdr_id.id))
    return frozenset(frozenset(group) for group in groups.values())


def _sharing(groups: frozenset[frozenset[int]]) -> str:
    return " ".join(str(sorted(group)) for group in sorted(groups, key=min)) or "none"
