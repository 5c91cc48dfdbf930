"""Network-namespace labs, simulated peers, demo and benchmarks."""
