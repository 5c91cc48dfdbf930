"""What tests of a whole UPF start it with."""

from __future__ import annotations

BOUND_S = 30.0
SMF_ADDRESS = "127.0.0.2"
CONFIG = {
    "n4": {"address": "127.0.0.1"},
    "interface": [
        {"name": "n3", "role": "access"},
        {"name": "n6", "role": "core", "network_instance": "internet"},
    ],
}
