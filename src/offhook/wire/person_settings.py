"""What a person has decided about calls to them: the features of ``/people/{id}/features``.

What is read of a body is what it has; who writes one fills in all.

Source: developer.webex.com, "User Call Settings"; wxc-sdk, `person_settings`; wire document, 5.
"""

import msgspec

#: A ring is 2 s of sound and 4 s of silence.
SECONDS_PER_RING = 6.0
#: Rings that a body may ask for.
MOST_RINGS = 20


class ForwardingRule(msgspec.Struct, omit_defaults=True):
    """Calls go on to `destination`, as it would be dialled. There is no voicemail to send it to."""

    enabled: bool | None = None
    destination: str | None = None
    destinationVoicemailEnabled: bool | None = None
    ringReminderEnabled: bool | None = None
    numberOfRings: int | None = None
    systemMaxNumberOfRings: int | None = None


class CallForwarding(msgspec.Struct):
    """The three rules. `ringReminderEnabled` belongs to `always`, the rings to `noAnswer`."""

    always: ForwardingRule = msgspec.field(default_factory=ForwardingRule)
    busy: ForwardingRule = msgspec.field(default_factory=ForwardingRule)
    noAnswer: ForwardingRule = msgspec.field(default_factory=ForwardingRule)


class PersonForwarding(msgspec.Struct):
    """``callForwarding``. `businessContinuity` is for phones that cannot be reached."""

    callForwarding: CallForwarding = msgspec.field(default_factory=CallForwarding)
    businessContinuity: ForwardingRule = msgspec.field(default_factory=ForwardingRule)


class DoNotDisturb(msgspec.Struct, omit_defaults=True):
    """``doNotDisturb``: whoever calls is told that the person is busy."""

    enabled: bool | None = None
    ringSplashEnabled: bool | None = None
    webexGoOverrideEnabled: bool | None = None


class CallWaiting(msgspec.Struct):
    """``callWaiting``: whether a second call rings while there is one."""

    enabled: bool
