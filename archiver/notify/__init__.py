"""Notify channels of changes and outages: at most once per channel, except after a crash."""
