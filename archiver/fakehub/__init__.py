"""A real local HTTP server with a catalogue that changes, for the demo and the tests."""

from __future__ import annotations
