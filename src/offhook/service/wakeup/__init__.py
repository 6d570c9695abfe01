"""The shell around the ring windows: timers, pushes by webhook, and the answer to who wakes."""
