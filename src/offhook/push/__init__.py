"""The push backend: calls come in by webhook and leave as pushes that wake sleeping phones."""
