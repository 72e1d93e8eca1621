"""List a source, validate the listing, commit it; import, prune, revert, verify."""
