"""Time to decode and encode N4, beside scapy and pycrate: `python -m testbed.bench.pfcp`.

The octets are those of a capture of Open5GS. Each figure is the best of several rounds, taken in
turns, so that other work on the machine falls on all alike; `--json FILE` keeps them for machines.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from pfcp import messages, schema
from testbed.bench.machine import machine
from upf.pcap import packets
from upf.udp_datagrams import datagram

CAPTURE = Path(__file__).parents[2] / "tests" / "captures" / "open5gs-ipv4-n4.pcap"

ROUNDS = 15
ROUND_S = 0.02
"""A round repeats an action about so long."""

IMPORTS = 5

TARGETS_US = {
    ("PFCP Session Establishment Request", "decode"): 120.0,
    ("PFCP Session Establishment Response", "encode"): 40.0,
}
IMPORT_TARGET_S = 0.5

Action = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """Microseconds for one message, by library."""

    message: str
    octets: int
    action: str
    tern_us: float
    scapy_us: float
    pycrate_us: float
    target_us: float | None


def main() -> int:
    """Exit status 1 if a target is missed and `--strict` was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--strict", action="store_true", help="fail where a target is missed")
    arguments = parser.parse_args()
    import_s = min(_import_s() for _ in range(IMPORTS))
    figures = [figure for octets in _captured() for figure in _measured(octets)]
    conditions = machine()
    print(_markdown(conditions, import_s, figures))
    if arguments.json:
        told = {
            "machine": conditions,
            "import_s": import_s,
            "figures": [asdict(each) for each in figures],
        }
        arguments.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    missed = import_s > IMPORT_TARGET_S or any(
        each.target_us is not None and each.tern_us > each.target_us for each in figures
    )
    return 1 if missed and arguments.strict else 0


def _captured() -> Iterator[bytes]:
    """The longest message of each type in the capture."""
    longest: dict[int, bytes] = {}
    for packet in packets(CAPTURE.read_bytes()):
        found = datagram(packet)
        if found is not None and len(found.octets) > len(longest.get(found.octets[1], b"")):
            longest[found.octets[1]] = found.octets
    return iter([longest[message_type] for message_type in sorted(longest)])


def _measured(octets: bytes) -> Iterator[Figure]:
    value = rebuilt(messages.decode(octets))
    assert value.encode() == octets, "what is measured encodes the octets captured"
    name = schema.spec_of(type(value)).name
    decoders, encoders = _others(octets)
    for action, actions in (
        ("decode", [lambda: messages.decode(octets), *decoders]),
        ("encode", [value.encode, *encoders]),
    ):
        tern_us, scapy_us, pycrate_us = _best_us(actions)
        target_us = TARGETS_US.get((name, action))
        yield Figure(name, len(octets), action, tern_us, scapy_us, pycrate_us, target_us)


def rebuilt(value: Any) -> Any:
    """A decoded value as if a program had made it: nothing of its octets is kept."""
    if isinstance(value, tuple):
        return tuple(rebuilt(each) for each in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(
        value, **{field.name: rebuilt(getattr(value, field.name)) for field in fields(value)}
    )


def _others(octets: bytes) -> tuple[list[Action], list[Action]]:
    """What scapy and pycrate do to decode these octets, and to encode what they decoded."""
    with warnings.catch_warnings():
        # Both bring warnings of their own on import.
        warnings.simplefilter("ignore")
        from pycrate_mobile.TS29244_PFCP import parse_PFCP  # noqa: PLC0415
        from scapy.contrib.pfcp import PFCP  # noqa: PLC0415

    scapy_message = PFCP(octets)
    pycrate_message, fault = parse_PFCP(octets)
    assert not fault, f"pycrate cannot read what is measured: {fault}"

    def build() -> bytes:
        scapy_message.clear_cache()
        return bytes(scapy_message)

    return [lambda: PFCP(octets), lambda: parse_PFCP(octets)], [build, pycrate_message.to_bytes]


def _best_us(actions: list[Action]) -> list[float]:
    """The best round of each action, in microseconds a call."""
    repeats = [max(1, round(ROUND_S / _took_s(action, 1))) for action in actions]
    best = [float("inf")] * len(actions)
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for number, action in enumerate(actions):
                took_s = _took_s(action, repeats[number])
                best[number] = min(best[number], took_s / repeats[number] * 1e6)
            gc.collect()
    finally:
        gc.enable()
    return best


def _took_s(action: Action, repeats: int) -> float:
    began_s = time.perf_counter()
    for _ in range(repeats):
        action()
    return time.perf_counter() - began_s


def _import_s() -> float:
    """Time a fresh interpreter takes to import the codec."""
    code = (
        "import time; t = time.perf_counter(); import pfcp.messages; print(time.perf_counter() - t)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return float(result.stdout)


def _markdown(machine: dict[str, Any], import_s: float, figures: list[Figure]) -> str:
    lines = [
        (
            f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']:.1f}, "
            f"Python {machine['python']}, Linux {machine['kernel']}; best of {ROUNDS} rounds."
        ),
        "",
        f"Import of the codec: {import_s:.2f} s (target {IMPORT_TARGET_S} s).",
        "",
        "| message | octets | | tern µs | scapy µs | pycrate µs | target µs |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    for each in figures:
        target = "" if each.target_us is None else f"{each.target_us:.0f}"
        lines.append(
            f"| {each.message} | {each.octets} | {each.action} | {each.tern_us:.1f} | "
            f"{each.scapy_us:.0f} | {each.pycrate_us:.0f} | {target} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
