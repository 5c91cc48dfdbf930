"""Packets that mean harm, and what a UPF must make of each."""
