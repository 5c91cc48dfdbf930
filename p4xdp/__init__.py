"""A P4-16 (TNA subset) compiler and P4Runtime switch for Linux XDP."""
