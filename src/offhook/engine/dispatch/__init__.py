"""Pushes on their way to Apple and Google: when to try again, when to give up, what an answer means."""
