"""Side by side with the peers and with the floors: see ``docs/performance.md``, run with ``make bench``."""
