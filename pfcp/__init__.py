"""PFCP (TS 29.244) as a library without I/O."""
