"""Which records a person depends on, and their status."""
