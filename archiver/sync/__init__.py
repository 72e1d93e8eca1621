"""Fetch, push, rebase captures that lost a race, merge the state of two copies."""
