"""One unattended run from fetch to notification; watch, schedule, status."""
