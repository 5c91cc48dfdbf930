"""Measurements, each beside what others make of the same octets in the same run."""
