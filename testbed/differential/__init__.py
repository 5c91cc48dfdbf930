"""Interpreter against XDP: any program, entries and packets drawn at random, nothing may differ.

All here is derived from the elaborated program alone: which values belong together, which frames
its parser takes, which entries its packets look for.
"""
