"""How fast the generated XDP program forwards, against a program that only redirects: the same
frames on the same path, in turns. `python -m testbed.bench.forwarding`.
"""
