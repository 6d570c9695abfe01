"""Calls: Mobius call control, and the shell around the exchange (wire document, 4)."""
