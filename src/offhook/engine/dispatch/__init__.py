"""Pushes on their way to Apple and Google: when to try again, what an answer means."""
