"""The use cases that read: compare, log, show, changelog; nothing here writes."""
