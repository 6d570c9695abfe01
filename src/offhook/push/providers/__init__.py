"""Whoever carries pushes to phones: Apple and Google."""
