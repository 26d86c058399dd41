"""What everything stands on: checked input, estimates, files, digests and meanings, threads and seeds, the journal."""
