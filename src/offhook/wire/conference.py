"""Joining calls over the public REST API: ``{hydra}/telephony/conference`` (wire document, 7.3)."""

import msgspec


class ConferenceRequest(msgspec.Struct):
    """POST ``/telephony/conference``. Calls by their encoded ids; the first one's leg goes on."""

    callIds: list[str]
