"""WHAT HAPPENED: read the history and answer questions about it; nothing here writes."""
