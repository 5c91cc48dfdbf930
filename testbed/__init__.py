"""Network-namespace labs, simulated peers, demo and benchmarks. Nothing imports this package.

    command   netns   topology        programs of the host, namespaces, the lab
    open5gs   smf   dissection        the SMF: what it says, how it says it, reading what it hears
    gtpu   tun   relay   gnb          the gNB and its UEs
    datagrams   traffic               what is carried, and how much of it arrives
    upf_process   rest   capture      the UPF as an operator runs it, and what passes around it
    story   summary   leftovers       the main job, claim by claim
    demo   replay   comparison        commands: `python -m testbed.demo`, `python -m testbed.replay`

The peers are to be independent of what they test: PFCP is coded by scapy here, never by `pfcp`.
"""
