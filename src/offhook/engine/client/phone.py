"""All calls of one phone, as the app's side runs them.

What is always true, after every input, besides what is true of each call (`ClientCall`):

- at most one call is connected and not on hold;
- every command is answered exactly once, on the call to which it was given;
- what a command that failed has put on hold is given back, or can be resumed;
- a command comes to its end by itself, whatever the service does.

Two calls, and while somebody is consulted three: mobile SDK document, 2.5 to 2.9.
"""

from typing import assert_never

from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client import transfer, two_calls
from offhook.engine.client.call import ClientCall
from offhook.engine.client.conference import merge
from offhook.engine.client.script import Script, Scripts
from offhook.errors import CallEndedError, CallStateError

#: Calls that one phone may have at a time; a further incoming one is left to other devices.
MOST_CALLS = 2


class ClientPhone:
    """See the module. `handle` takes an input and the time, and returns what has to be done.

    What a command cannot be done for is told by `CommandFailed`, or raised where the call itself
    refuses it; then nothing has changed.
    """

    def __init__(self) -> None:
        self._scripts = Scripts()
        self._floor = self._scripts.floor

    # --- what is known ---

    @property
    def is_full(self) -> bool:
        """Whether a further incoming call is left to other devices."""
        return len(self._floor.calls) >= MOST_CALLS

    def conflicts(self, call: ClientCall) -> bool:
        """Whether another call has the floor, and would be on hold once this one is answered."""
        return self._floor.holder(besides=call) is not None

    def origin_of(self, call: ClientCall) -> ClientCall | None:
        """The call from which this one was begun, while both last."""
        return self._floor.origin_of(call.correlation_id)

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due, None if nothing waits."""
        due = [call.deadline for call in self._floor.calls.values()]
        return min((at for at in [*due, self._scripts.deadline] if at is not None), default=None)

    # --- inputs ---

    def add(self, call: ClientCall, *, consultation: bool = False) -> None:
        """One more call. For a consultation there may be a third one.

        Raises `CallStateError` if there are as many as there may be.
        """
        self.refuse_if_full(consultation=consultation)
        self._floor.calls[call.correlation_id] = call

    def refuse_if_full(self, *, consultation: bool = False) -> None:
        """Raises `CallStateError` if there is no room for one more."""
        if len(self._floor.calls) >= MOST_CALLS + consultation:
            raise CallStateError("This phone has as many calls as it may have; end one first.")

    def handle(self, event: phone.Input, now: float) -> list[phone.Effect]:
        """Take an input. Raises `CallEndedError` or `CallStateError` for a command."""
        floor = self._floor
        floor.now = max(now, floor.now)
        floor.out = []
        match event:
            case phone.ForCall(key=key, input=for_call):
                call = floor.find(key)
                if call is not None:
                    self._for_call(call, for_call)
                elif isinstance(for_call, io.Command | phone.Command):
                    raise CallEndedError("This call is over.", "ended")
            case phone.RequestAnswered(request=request, error=error):
                self._scripts.answered(request, error)
            case phone.GiveUp(command=command):
                self._scripts.give_up(command)
            case phone.Tick():
                for call in list(floor.calls.values()):
                    if call.deadline is not None and call.deadline <= floor.now:
                        floor.feed(call, io.Tick())
            case _:
                assert_never(event)
        self._scripts.go_on()
        floor.settle()
        return floor.out

    def _for_call(self, call: ClientCall, event: io.Input | phone.Command) -> None:
        floor = self._floor
        match event:
            case io.Dial():
                self._start(call, event.command, two_calls.dial(floor, call))
            case io.Answer():
                self._start(call, event.command, two_calls.answer(floor, call))
            case io.SetHold(held=False):
                self._start(call, event.command, two_calls.resume(floor, call))
            case phone.Consult():
                origin = self._other(event.origin)
                self._start(call, event.command, two_calls.dial(floor, call, origin=origin))
            case phone.Merge():
                other = self._other(event.other, but=call)
                self._start(call, event.command, merge(floor, call, other))
            case phone.Transfer():
                to = self._other(event.to, but=call)
                self._start(call, event.command, transfer.transfer(floor, call, to))
            case phone.DirectTransfer():
                script = transfer.direct_transfer(floor, call, event.destination)
                self._start(call, event.command, script)
            case phone.TransferWhenAnswered():
                consultation = self._other(event.consultation, but=call)
                script = transfer.transfer_when_answered(floor, call, consultation, event.seconds)
                self._start(call, event.command, script)
            case _:
                floor.feed(call, event)

    def _start(self, call: ClientCall, command: int, script: Script[None]) -> None:
        self._scripts.start(call, command, script)

    def _other(self, key: str, *, but: ClientCall | None = None) -> ClientCall:
        call = self._floor.find(key)
        if call is None:
            raise CallEndedError("This phone has no such call, or not any more.", "ended")
        if call is but:
            raise CallStateError("This takes two different calls.")
        return call
