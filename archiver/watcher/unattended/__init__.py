"""WHAT A JOB DOES: run by a schedule, push, tell channels, report, say how the job is."""
