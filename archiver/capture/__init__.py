"""List a source, validate the listing, confirm removals, commit; import, prune, revert, verify."""
