"""Octets that look like PFCP and are not quite: made from the registry, then damaged.

Bodies of plain IEs are random ones that decode, and some that do not; groups and messages are put
together from them with what is mandatory, mostly. Then lengths lie, IEs are cut, doubled, moved and
put into one another.
"""

import random
from contextlib import suppress

from pfcp import schema
from pfcp.errors import DecodeError
from pfcp.schema import Presence

POOL = 24
"""Bodies kept of each IE."""

INPUTS_A_POOL = 20_000
"""Inputs until the bodies are made anew."""

INTERESTING = (0, 1, 2, 4, 0x7F, 0x80, 0xFF)


class Mutator:
    """An endless stream of datagrams, the same for the same seed."""

    def __init__(self, seed, seeds=()):
        self.random = random.Random(seed)
        self.seeds = list(seeds)
        self.message_types = sorted(schema.MESSAGES)
        self.ie_types = sorted(schema.IES)
        self.damages = (
            self.flip,
            self.overwrite,
            self.lie,
            self.cut,
            self.double,
            self.drop,
            self.insert,
            self.wrap,
        )

    def __iter__(self):
        while True:
            self.fill()
            for _ in range(INPUTS_A_POOL):
                yield self.datagram()

    def fill(self):
        """Make the bodies of all IEs anew, the groups from what they hold."""
        self.pool = {}
        for ie_type in self.ie_types:
            self.bodies(schema.IES[ie_type])

    def bodies(self, spec):
        known = self.pool.get(spec.ie_type)
        if known is None:
            # A group that holds itself finds its own pool empty and goes without.
            known = self.pool[spec.ie_type] = []
            make = self.group_body if spec.group_fields else self.plain_body
            known.extend(make(spec) for _ in range(POOL))
        return known

    def plain_body(self, spec):
        body = b""
        for _ in range(40):
            body = self.random.randbytes(
                self.random.choice((0, 1, 1, 2, 3, 4, 5, 8, 9, 12, 17, 24))
            )
            if spec.cls is None:
                break
            with suppress(DecodeError):
                spec.cls.decode(body)
                break
        return body

    def group_body(self, spec):
        parts = []
        for field in spec.group_fields:
            wanted = 0.97 if field.presence is Presence.MANDATORY or field.at_least_one else 0.25
            while self.random.random() < wanted:
                bodies = self.bodies(field.ie)
                if not bodies:
                    break
                body = self.random.choice(bodies)
                if len(body) < 4000:
                    parts.append(framed(field.ie.ie_type, body))
                if field.presence is not Presence.SEVERAL:
                    break
                wanted = 0.3
        if self.random.random() < 0.1:
            self.random.shuffle(parts)
        return b"".join(parts)

    def datagram(self):
        """One input."""
        octets = bytearray(self.sound())
        if self.random.random() < 0.75:
            for _ in range(self.random.choice((1, 1, 1, 2, 3, 8))):
                if len(octets) > 8:
                    octets = self.random.choice(self.damages)(octets)
            if self.random.random() < 0.8:
                # A length that agrees lets the damage inside be seen.
                octets[2:4] = ((len(octets) - 4) & 0xFFFF).to_bytes(2, "big")
        return bytes(octets)

    def sound(self):
        if self.seeds and self.random.random() < 0.1:
            return self.random.choice(self.seeds)
        message_type = self.random.choice(self.message_types)
        spec = schema.MESSAGES[message_type]
        body = self.group_body(spec)
        has_seid = hasattr(spec.cls, "seid")
        head = self.random.randbytes(12) if has_seid else self.random.randbytes(4)
        length = min(len(head) + len(body), 0xFFFF)
        return bytes([0x20 | has_seid, message_type]) + length.to_bytes(2, "big") + head + body

    # Damages.

    def at(self, octets, least=1):
        return self.random.randrange(least, len(octets))

    def flip(self, octets):
        octets[self.at(octets)] ^= 1 << self.random.randrange(8)
        return octets

    def overwrite(self, octets):
        octets[self.at(octets)] = self.random.choice(INTERESTING)
        return octets

    def lie(self, octets):
        """A length of some IE."""
        begin, _ = self.an_ie(octets)
        octets[begin + 2 : begin + 4] = self.random.choice(
            (b"\0\0", b"\0\1", b"\0\4", b"\xff\xff", self.random.randbytes(1).rjust(2, b"\0"))
        )
        return octets

    def cut(self, octets):
        return octets[: self.at(octets, 4)]

    def double(self, octets):
        begin, end = self.an_ie(octets)
        return octets[:end] + octets[begin:end] * self.random.choice((1, 1, 2, 20)) + octets[end:]

    def drop(self, octets):
        begin, end = self.an_ie(octets)
        return octets[:begin] + octets[end:]

    def insert(self, octets):
        """Some IE of the registry, or a stranger, somewhere."""
        begin, _ = self.an_ie(octets)
        if self.random.random() < 0.2:
            stranger = framed(self.random.randrange(1 << 16), self.random.randbytes(6))
            return octets[:begin] + stranger + octets[begin:]
        ie_type = self.random.choice(self.ie_types)
        return (
            octets[:begin]
            + framed(ie_type, self.random.choice(self.pool[ie_type]))
            + octets[begin:]
        )

    def wrap(self, octets):
        """An IE inside others, many deep."""
        begin, end = self.an_ie(octets)
        inner = bytes(octets[begin:end])
        for _ in range(self.random.choice((1, 2, 3, 50))):
            if len(inner) < 4000:
                inner = framed(self.random.choice(self.ie_types), inner)
        return octets[:begin] + inner + octets[end:]

    def an_ie(self, octets):
        """Where an IE begins and ends, at any depth."""
        begin, stop = 16 if octets[0] & 1 else 8, len(octets)
        found = (min(begin, stop), stop)
        while begin + 4 <= stop:
            end = min(stop, begin + 4 + int.from_bytes(octets[begin + 2 : begin + 4], "big"))
            chance = self.random.random()
            if chance < 0.3:
                return begin, end
            if chance < 0.5 and end - begin > 8:
                begin, stop = begin + 4, end
                continue
            found = (begin, end)
            begin = end
        return found


def framed(ie_type, body):
    """An IE with its type and length."""
    return ie_type.to_bytes(2, "big") + (len(body) & 0xFFFF).to_bytes(2, "big") + body
