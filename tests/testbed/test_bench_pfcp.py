from pfcp import messages
from testbed.bench import pfcp as bench


def test_every_message_of_the_capture_is_measured_beside_the_others(monkeypatch):
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "ROUND_S", 1e-6)
    figures = [figure for octets in bench._captured() for figure in bench._measured(octets)]
    assert {(each.message, each.action) for each in figures} >= set(bench.TARGETS_US)
    assert all(min(each.tern_us, each.scapy_us, each.pycrate_us) > 0 for each in figures)
    table = bench._markdown(bench.machine(), 0.1, figures)
    assert table.count("\n| PFCP ") == len(figures)


def test_what_is_encoded_keeps_nothing_of_the_octets_it_came_from():
    octets = max(bench._captured(), key=len)
    # An IE unknown to us survives decoding; in a value built by a program there is none.
    strange = octets[:2] + (len(octets) + 1).to_bytes(2, "big") + octets[4:] + b"\x7f\xfe\0\1\0"
    value = messages.decode(strange)
    assert value.encode() == strange
    assert bench.rebuilt(value).encode() == octets
