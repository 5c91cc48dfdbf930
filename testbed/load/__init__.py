"""A PFCP load generator for any UPF: `python -m testbed.load --help`.

Requests are made once, in scapy, and patched with `struct` afterwards; answers are recognised by
their layout. One process plays any number of SMFs and all their sessions.
"""
