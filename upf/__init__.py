"""The User Plane Function: sessions, rules and the entries they become."""
