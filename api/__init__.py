"""REST, metrics and health: the HTTP view of upf."""
