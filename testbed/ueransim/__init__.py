"""UERANSIM end to end: a real gNB and real UEs, a real 5G core, and this UPF between them.

Nothing of them is part of the product: their programs are looked for on the host, configured for
the lab, started in its namespaces and watched. `python -m testbed.ueransim --help` tells how.
"""
