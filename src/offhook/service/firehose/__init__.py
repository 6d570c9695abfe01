"""Webhooks: who wants to hear of what, and having them told in time."""
