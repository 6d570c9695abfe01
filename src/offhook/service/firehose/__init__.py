"""Webhooks: who wants to hear of what, and having them told in time."""

from offhook.service.firehose.event import FirehoseEvent


class NoFirehose:
    """Nobody wants to hear of anything."""

    def publish(self, event: FirehoseEvent) -> None:
        """Goes nowhere."""

    def withdraw(self, subject: str, resource: str) -> None:
        """There is nothing."""
