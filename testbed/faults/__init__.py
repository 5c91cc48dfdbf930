"""Faults made on purpose while traffic runs, and an account of what was lost (nothing)."""
