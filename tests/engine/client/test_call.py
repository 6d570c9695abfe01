"""One call of the app's side, over minutes of virtual time and in every order of events."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.client import ClientCall
from offhook.engine.client import call_io as io
from offhook.engine.client.model import CallStatus, Direction, EndReason
from offhook.engine.client.negotiation import (
    ApplyAnswer,
    MakeAnswer,
    MakeOffer,
    PostOffer,
    PostRoap,
)
from offhook.errors import (
    CallEndedError,
    CallMediaError,
    CallStateError,
    CallTimeoutError,
    NetworkError,
    ServiceError,
)
from offhook.wire.mobius import (
    CallerId,
    CallProgressData,
    CauseCode,
    MidCallEventData,
    MidCallService,
    MidCallState,
    MobiusErrorCode,
    MobiusEvent,
    MobiusEventType,
)
from offhook.wire.roap import RoapMessage, RoapType

BOB = CallerId(p_asserted_identity='"Bob" <sip:1002@x;user=phone>')


class Story:
    """A call with a clock. Its audio answers at once, unless told otherwise."""

    def __init__(self, direction: Direction, *, audio: bool = True) -> None:
        incoming = direction is Direction.INCOMING
        self.now = 0.0
        self.call = ClientCall(direction, "k", now=0.0, call_id="c1" if incoming else "")
        self.audio = audio
        self.effects: list[io.Effect] = []
        self.accepted: set[int] = set()
        self._commands = itertools.count(1)

    # --- inputs ---

    def feed(self, event: io.Input) -> list[io.Effect]:
        out = list(self.call.handle(event, self.now))
        self.effects += out
        if self.audio:
            for effect in list(out):
                match effect:
                    case MakeOffer():
                        out += self.feed(io.OfferMade("offer"))
                    case MakeAnswer():
                        out += self.feed(io.AnswerMade("answer"))
                    case ApplyAnswer():
                        out += self.feed(io.AnswerApplied())
        return out

    def event(self, kind: MobiusEventType, **more) -> list[io.Effect]:
        return self.feed(io.EventCame(MobiusEvent(kind, "c1", "d1", "k", **more), "envelope-id"))

    def roap(self, kind: RoapType, seq: int = 1) -> list[io.Effect]:
        sdp = "sdp" if kind in (RoapType.OFFER, RoapType.ANSWER) else None
        return self.event(MobiusEventType.MEDIA, message=RoapMessage(seq, kind, sdp=sdp))

    def progress(self, *, inband: bool = False) -> list[io.Effect]:
        return self.event(
            MobiusEventType.CALL_PROGRESS,
            callProgressData=CallProgressData(True, inband),
            callerId=BOB,
        )

    def connected(self) -> list[io.Effect]:
        return self.event(MobiusEventType.CALL_CONNECTED)

    def created(self) -> list[io.Effect]:
        return self.feed(io.Created("c1", "request-id"))

    def mid_call(self, state: MidCallState) -> list[io.Effect]:
        service = MidCallService("callState", MidCallEventData(callState=state))
        return self.event(MobiusEventType.CALL, midCallService=[service])

    def disconnected(self, cause: CauseCode | None = None) -> list[io.Effect]:
        return self.event(MobiusEventType.CALL_DISCONNECTED, causecode=cause)

    def announced(self) -> list[io.Effect]:
        return self.event(MobiusEventType.CALL, callerId=BOB)

    def command(self, make) -> int:
        number = next(self._commands)
        self.feed(make(number))
        self.accepted.add(number)
        return number

    def hold(self) -> int:
        return self.command(lambda number: io.SetHold(number, held=True))

    def resume(self) -> int:
        return self.command(lambda number: io.SetHold(number, held=False))

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.call.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.feed(io.Tick())
        self.now = end

    # --- what happened ---

    def all(self, kind: type) -> list:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def outcome(self, command: int) -> io.CommandDone | io.CommandFailed | None:
        answers = [e for e in self.all(io.CommandDone | io.CommandFailed) if e.command == command]
        assert len(answers) <= 1
        return answers[0] if answers else None

    def done(self, command: int) -> bool:
        return isinstance(self.outcome(command), io.CommandDone)

    def error(self, command: int) -> Exception | None:
        outcome = self.outcome(command)
        return outcome.error if isinstance(outcome, io.CommandFailed) else None

    @property
    def reason(self) -> EndReason | None:
        return self.call.end.reason if self.call.end else None

    def roaps(self) -> list[tuple[int, RoapType]]:
        return [(e.message.seq, e.message.messageType) for e in self.all(PostRoap)]


def outgoing(**more) -> Story:
    story = Story(Direction.OUTGOING, **more)
    story.command(io.Dial)
    return story


def talking() -> Story:
    story = outgoing()
    story.created()
    story.progress()
    story.roap(RoapType.ANSWER)
    story.connected()
    assert story.call.status is CallStatus.CONNECTED
    return story


def ringing() -> Story:
    story = Story(Direction.INCOMING)
    story.roap(RoapType.OFFER)
    story.announced()
    return story


def answered() -> Story:
    story = ringing()
    story.command(io.Answer)
    story.roap(RoapType.OK)
    assert story.call.status is CallStatus.CONNECTED
    return story


# --- outgoing -----------------------------------------------------------------------------------


def test_an_outgoing_call_from_its_offer_to_the_talk():
    s = outgoing()
    [offer] = s.all(PostOffer)
    assert (offer.message.seq, offer.message.messageType) == (1, RoapType.OFFER)
    assert offer.message.tieBreaker == 4294967294
    assert s.outcome(1) is None
    s.created()
    assert s.done(1)
    assert s.call.status is CallStatus.INITIATED
    s.progress()
    assert s.call.status is CallStatus.RINGING
    assert s.call.info.party.name == "Bob"
    s.roap(RoapType.ANSWER)
    assert s.roaps() == [(1, RoapType.OK)]
    s.connected()
    told = [type(e) for e in s.effects if isinstance(e, io.News)]
    assert told == [io.RingingStarted, io.InfoChanged, io.RingingStopped, io.Connected]


events_of_a_call = [
    lambda s: s.created(),
    lambda s: s.progress(),
    lambda s: s.roap(RoapType.ANSWER),
    lambda s: s.connected(),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_service_may_answer_in_any_order(order):
    s = outgoing()
    for step in order:
        events_of_a_call[step](s)
    assert s.call.status is CallStatus.CONNECTED
    assert len(s.all(io.Connected)) == 1
    assert s.done(1)
    assert len(s.all(io.RingingStarted)) == len(s.all(io.RingingStopped))


def test_early_audio_is_no_reason_to_sound_a_tone():
    s = outgoing()
    s.created()
    s.progress(inband=True)
    assert s.all(io.RingingStarted) == [io.RingingStarted(io.Ringing.OUTGOING, tone=False)]


def test_without_news_for_ten_seconds_it_is_given_up():
    s = outgoing()
    s.created()
    s.wait(9.9)
    assert s.reason is None
    s.wait(0.2)
    assert s.reason is EndReason.ERROR
    assert s.all(io.Disconnect) == [io.Disconnect("c1", CauseCode.NORMAL)]


def test_it_rings_for_sixty_seconds_after_the_last_progress():
    s = outgoing()
    s.created()
    s.progress()
    s.wait(50)
    s.progress()
    s.wait(59)
    assert s.reason is None
    s.wait(2)
    assert s.reason is EndReason.NO_ANSWER


def test_a_negotiation_that_does_not_end_ends_the_call():
    s = outgoing()
    s.created()
    s.progress()
    s.connected()
    s.wait(10.1)
    assert s.reason is EndReason.ERROR
    assert isinstance(s.call.end.error, CallTimeoutError)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (CauseCode.BUSY, EndReason.BUSY),
        (CauseCode.REJECTED, EndReason.REJECTED),
        (CauseCode.NO_ANSWER, EndReason.NO_ANSWER),
        (CauseCode.NOT_FOUND, EndReason.NOT_FOUND),
        (CauseCode.NOT_AVAILABLE, EndReason.UNAVAILABLE),
        (CauseCode.MEDIA_INACTIVITY, EndReason.MEDIA_LOST),
        (CauseCode.PROCESSING_ERROR, EndReason.ERROR),
        (CauseCode.NORMAL, EndReason.UNAVAILABLE),
        (None, EndReason.UNAVAILABLE),
        (999, EndReason.UNAVAILABLE),
    ],
)
def test_a_call_that_comes_to_nothing_says_why(cause, reason):
    s = outgoing()
    s.created()
    s.disconnected(cause)
    assert s.reason is reason
    assert s.all(io.Ended)[0].end.reason is reason
    # The client still sends its own DELETE, as official ones do.
    assert s.all(io.Disconnect) == [io.Disconnect("c1", CauseCode.NORMAL)]


def test_an_error_about_the_first_offer_leaves_room_for_an_answer():
    s = outgoing()
    s.created()
    s.roap(RoapType.ERROR)
    s.roap(RoapType.ANSWER)
    s.connected()
    assert s.call.status is CallStatus.CONNECTED


def test_a_busy_number_was_dialled_all_the_same_whichever_news_is_first():
    early, late = outgoing(), outgoing()
    early.disconnected(CauseCode.BUSY)
    early.created()
    late.created()
    late.disconnected(CauseCode.BUSY)
    for s in (early, late):
        assert s.done(1)
        assert s.reason is EndReason.BUSY
        assert len(s.all(io.Disconnect)) == 1


def test_a_call_that_the_service_refuses_fails_the_dialling():
    s = outgoing()
    refused = ServiceError("No.", 403)
    s.feed(io.RequestFailed(io.Request.CREATE, refused))
    assert s.error(1) is refused
    assert s.reason is EndReason.ERROR
    assert s.all(io.CloseMedia)


def test_a_call_given_up_before_it_has_a_name_is_ended_by_both_names():
    s = outgoing()
    s.feed(io.Hangup())
    assert s.reason is EndReason.LOCAL_CANCEL
    assert isinstance(s.error(1), CallEndedError)
    s.created()
    assert [e.call_id for e in s.all(io.Disconnect)] == ["DefaultLocalId_k", "c1"]


def test_a_call_given_up_before_it_was_placed_asks_nothing_of_the_service():
    s = outgoing(audio=False)
    s.feed(io.Hangup())
    assert s.all(io.Disconnect) == []
    assert s.all(io.CloseMedia)


def test_audio_that_cannot_make_an_offer_ends_the_call():
    s = outgoing(audio=False)
    broken = CallMediaError("No address.")
    s.feed(io.MediaRefused(broken))
    assert s.reason is EndReason.MEDIA_LOST
    assert s.error(1) is broken


# --- incoming -----------------------------------------------------------------------------------


@pytest.mark.parametrize("offer_first", [True, False])
def test_an_incoming_call_from_its_offer_to_the_talk(offer_first):
    s = Story(Direction.INCOMING)
    steps = [lambda: s.roap(RoapType.OFFER), s.announced]
    for step in steps if offer_first else reversed(steps):
        step()
    assert s.call.status is CallStatus.RINGING
    assert s.all(io.PatchAlerting)
    assert s.all(io.Incoming)
    assert s.call.info.party.number == "1002"
    assert s.roaps() == []
    command = s.command(io.Answer)
    assert s.all(io.PatchConnected)
    assert s.roaps() == [(1, RoapType.ANSWER)]
    assert s.outcome(command) is None
    s.roap(RoapType.OK)
    assert s.done(command)
    assert s.call.status is CallStatus.CONNECTED


def test_an_answer_before_the_offer_waits_for_it():
    s = Story(Direction.INCOMING)
    s.announced()
    command = s.command(io.Answer)
    assert s.roaps() == []
    s.roap(RoapType.OFFER)
    s.roap(RoapType.OK)
    assert s.done(command)


def test_an_answer_that_the_service_does_not_confirm_fails_after_ten_seconds():
    s = ringing()
    command = s.command(io.Answer)
    s.wait(10.1)
    assert isinstance(s.error(command), CallTimeoutError)
    assert s.reason is EndReason.ERROR


def test_nobody_answers_for_sixty_seconds():
    s = ringing()
    s.wait(61)
    assert s.reason is EndReason.NO_ANSWER
    assert s.all(io.Disconnect) == [io.Disconnect("c1", CauseCode.NORMAL)]


def test_declining_is_for_the_person():
    s = ringing()
    s.feed(io.Reject())
    assert s.reason is EndReason.LOCAL_REJECT
    assert s.all(io.Disconnect) == [io.Disconnect("c1", CauseCode.BUSY)]
    assert s.all(io.RingingStopped)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (CauseCode.NORMAL, EndReason.REMOTE_CANCEL),
        (None, EndReason.REMOTE_CANCEL),
        (CauseCode.COMPLETED_ELSEWHERE, EndReason.ANSWERED_ELSEWHERE),
        (CauseCode.NO_ANSWER, EndReason.NO_ANSWER),
    ],
)
def test_an_incoming_call_that_stops_says_why(cause, reason):
    s = ringing()
    s.disconnected(cause)
    assert s.reason is reason
    assert s.all(io.Disconnect) == [io.Disconnect("c1", CauseCode.BUSY)]


NO_SUCH_CALL = ServiceError("Gone.", 404, error_code=MobiusErrorCode.CALL_NOT_FOUND)
NO_SUCH_LINE = ServiceError("Who?", 404, error_code=MobiusErrorCode.DEVICE_NOT_REGISTERED)
SETTING_UP = [io.Request.ALERT, io.Request.CONNECT, io.Request.MEDIA]


@pytest.mark.parametrize("request_", SETTING_UP)
@pytest.mark.parametrize("error", [NO_SUCH_CALL, ServiceError("Gone.", 404)])
def test_a_call_that_is_gone_when_it_is_answered_was_given_up(request_, error):
    s = ringing()
    answer = s.command(io.Answer)
    s.feed(io.RequestFailed(request_, error))
    s.wait(2)
    assert s.reason is EndReason.REMOTE_CANCEL
    assert isinstance(s.error(answer), CallEndedError)
    assert s.call.deadline is None


@pytest.mark.parametrize("cause", [CauseCode.COMPLETED_ELSEWHERE, CauseCode.NORMAL])
def test_why_it_is_gone_is_told_by_the_event_that_follows(cause):
    s = ringing()
    s.command(io.Answer)
    s.feed(io.RequestFailed(io.Request.MEDIA, NO_SUCH_CALL))
    assert s.reason is None
    s.disconnected(cause)
    elsewhere = cause is CauseCode.COMPLETED_ELSEWHERE
    assert s.reason is (EndReason.ANSWERED_ELSEWHERE if elsewhere else EndReason.REMOTE_CANCEL)


def test_a_callee_that_declines_while_we_acknowledge_the_early_answer():
    s = outgoing()
    s.feed(io.RequestFailed(io.Request.MEDIA, NO_SUCH_CALL))
    s.disconnected(CauseCode.REJECTED)
    assert s.reason is EndReason.REJECTED


@pytest.mark.parametrize("request_", SETTING_UP)
def test_a_service_that_does_not_know_the_line_any_more_has_lost_the_call(request_):
    s = ringing()
    s.command(io.Answer)
    s.feed(io.RequestFailed(request_, NO_SUCH_LINE))
    assert s.reason is EndReason.SERVICE_LOST


def test_a_call_of_which_we_cannot_say_that_it_rings_fails():
    s = ringing()
    away = NetworkError("Away.")
    s.feed(io.RequestFailed(io.Request.ALERT, away))
    assert s.reason is EndReason.ERROR
    assert s.call.end.error is away


def test_an_invitation_that_is_never_announced_is_dropped_in_silence():
    s = Story(Direction.INCOMING)
    s.roap(RoapType.OFFER)
    s.wait(11)
    assert s.reason is EndReason.ERROR
    assert not s.all(io.Incoming)


@pytest.mark.parametrize("make", [io.Hangup(), io.SetHold(9, held=True), io.Dial(9)])
def test_commands_that_do_not_fit_a_ringing_call_are_refused_and_change_nothing(make):
    s = ringing()
    before = len(s.effects)
    with pytest.raises(CallStateError):
        s.feed(make)
    assert len(s.effects) == before
    assert s.call.status is CallStatus.RINGING


def test_answering_twice_is_refused():
    s = ringing()
    s.command(io.Answer)
    with pytest.raises(CallStateError):
        s.feed(io.Answer(9))


@pytest.mark.parametrize(
    "make",
    [io.Hangup(), io.Reject(), io.Answer(9), io.Dial(9), io.SetHold(9, held=True)],
)
def test_every_command_on_a_call_that_is_over_says_so(make):
    s = answered()
    s.disconnected()
    with pytest.raises(CallEndedError) as refused:
        s.feed(make)
    assert refused.value.reason is EndReason.REMOTE_HANGUP


# --- hold ---------------------------------------------------------------------------------------


def renegotiate(s: Story, seq: int) -> None:
    s.roap(RoapType.OFFER_REQUEST, seq)
    s.roap(RoapType.ANSWER, seq)


def test_hold_is_done_when_confirmed_and_renegotiated():
    s = talking()
    command = s.hold()
    assert s.all(io.PostHold) == [io.PostHold(held=True)]
    s.mid_call(MidCallState.HELD)
    assert s.call.held
    assert s.all(io.HoldChanged) == [io.HoldChanged(held=True, by_local=True)]
    assert s.outcome(command) is None
    renegotiate(s, 2)
    assert s.done(command)
    assert s.roaps()[-2:] == [(2, RoapType.OFFER_RESPONSE), (2, RoapType.OK)]


def test_hold_is_done_in_the_other_order_too():
    s = talking()
    command = s.hold()
    renegotiate(s, 2)
    assert s.outcome(command) is None
    s.mid_call(MidCallState.HELD)
    assert s.done(command)


def test_a_hold_that_is_not_confirmed_fails_after_ten_seconds_and_the_call_goes_on():
    s = talking()
    command = s.hold()
    s.wait(10.1)
    assert isinstance(s.error(command), CallTimeoutError)
    assert not s.call.held
    assert s.call.status is CallStatus.CONNECTED


def test_a_service_that_does_not_renegotiate_holds_all_the_same():
    s = talking()
    command = s.hold()
    s.mid_call(MidCallState.HELD)
    s.wait(10.1)
    assert s.done(command)


def test_a_hold_that_is_refused_fails_with_the_reason():
    s = talking()
    command = s.hold()
    refused = ServiceError("No.", 403)
    s.feed(io.RequestFailed(io.Request.HOLD, refused))
    assert s.error(command) is refused
    assert s.call.status is CallStatus.CONNECTED


def test_hold_resume_hold_at_the_same_time_are_done_in_order():
    s = talking()
    commands = [s.hold(), s.resume(), s.hold()]
    for seq, state in enumerate([MidCallState.HELD, MidCallState.CONNECTED, MidCallState.HELD], 2):
        assert len(s.all(io.PostHold)) == seq - 1
        s.mid_call(state)
        renegotiate(s, seq)
    assert all(s.done(command) for command in commands)
    assert s.call.held


def test_holding_what_is_held_is_done_at_once():
    s = talking()
    s.mid_call(MidCallState.HELD)
    command = s.hold()
    assert s.done(command)
    assert not s.all(io.PostHold)


def test_a_hold_that_another_call_brought_about_is_not_ours():
    s = talking()
    s.mid_call(MidCallState.HELD)
    assert s.all(io.HoldChanged) == [io.HoldChanged(held=True, by_local=False)]


def test_a_call_that_ends_in_the_middle_fails_every_command_once():
    s = talking()
    commands = [s.hold(), s.resume(), s.hold()]
    s.disconnected()
    assert all(isinstance(s.error(command), CallEndedError) for command in commands)


def test_a_state_that_is_repeated_is_told_once():
    s = talking()
    s.mid_call(MidCallState.HELD)
    s.mid_call(MidCallState.HELD)
    assert len(s.all(io.HoldChanged)) == 1


# --- renegotiation ------------------------------------------------------------------------------


def test_an_offer_in_mid_call_is_answered():
    s = answered()
    s.roap(RoapType.OFFER, 2)
    assert s.roaps()[-1] == (2, RoapType.ANSWER)
    s.roap(RoapType.OK, 2)
    s.roap(RoapType.OFFER, 3)
    assert s.roaps()[-1] == (3, RoapType.ANSWER)


def test_an_offer_that_comes_too_early_waits_for_the_end_of_the_one_before():
    s = answered()
    s.roap(RoapType.OFFER, 2)
    s.roap(RoapType.OFFER, 3)
    assert s.roaps()[-1] == (2, RoapType.ANSWER)
    s.roap(RoapType.OK, 2)
    assert s.roaps()[-1] == (3, RoapType.ANSWER)


def test_an_offer_that_comes_twice_is_answered_once():
    s = answered()
    s.roap(RoapType.OFFER, 2)
    s.roap(RoapType.OFFER, 2)
    s.roap(RoapType.OK, 2)
    s.roap(RoapType.OFFER, 2)
    assert s.roaps().count((2, RoapType.ANSWER)) == 1


def test_a_renegotiation_that_our_audio_cannot_follow_is_refused_and_the_call_goes_on():
    s = answered()
    s.audio = False
    s.roap(RoapType.OFFER, 2)
    s.feed(io.MediaRefused(CallMediaError("No.")))
    assert s.roaps()[-1] == (2, RoapType.ERROR)
    assert s.call.status is CallStatus.CONNECTED


def test_a_renegotiation_that_the_service_does_not_finish_is_forgotten():
    s = answered()
    s.roap(RoapType.OFFER_REQUEST, 2)
    s.wait(10.1)
    assert s.call.status is CallStatus.CONNECTED
    s.roap(RoapType.OFFER_REQUEST, 3)
    s.roap(RoapType.ANSWER, 3)
    assert s.roaps()[-1][1] is RoapType.OK


# --- while it lasts -----------------------------------------------------------------------------


def test_the_other_party_may_become_somebody_else():
    s = talking()
    carol = CallerId(p_asserted_identity='"Carol" <sip:1003@x;user=phone>')
    service = MidCallService("callInfo", MidCallEventData(callerId=carol))
    s.event(MobiusEventType.CALL, midCallService=[service])
    assert (s.call.info.party.name, s.call.info.party.number) == ("Carol", "1003")
    assert isinstance(s.effects[-1], io.InfoChanged)


def test_the_tracking_id_of_the_service_wins_over_our_own():
    s = outgoing()
    s.created()
    assert s.call.info.tracking_id == "request-id"
    s.event(MobiusEventType.CALL_PROGRESS, trackingId="end-to-end")
    assert s.call.info.tracking_id == "end-to-end"
    assert s.all(io.InfoChanged)


def test_a_sign_of_life_every_ten_minutes():
    s = talking()
    for _ in range(3):
        s.wait(600)
        s.feed(io.RequestDone(io.Request.STATUS))
    assert len(s.all(io.PostStatus)) == 3
    assert s.call.status is CallStatus.CONNECTED


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_call_that_the_service_does_not_know_any_more_is_over(status):
    s = talking()
    s.feed(io.ServiceBack())
    s.feed(io.RequestFailed(io.Request.STATUS, ServiceError("Gone.", status)))
    assert s.reason is EndReason.SERVICE_LOST
    assert s.all(io.CloseMedia)


def test_a_sign_of_life_that_fails_is_repeated_four_times_and_the_call_goes_on():
    s = talking()
    s.wait(600)
    for _ in range(5):
        s.feed(io.RequestFailed(io.Request.STATUS, NetworkError("Away.")))
        s.wait(30)
    assert len(s.all(io.PostStatus)) == 5
    assert s.call.status is CallStatus.CONNECTED
    s.wait(600)
    assert len(s.all(io.PostStatus)) == 6


def test_a_sign_of_life_waits_as_the_service_asks():
    s = talking()
    s.wait(600)
    s.feed(io.RequestFailed(io.Request.STATUS, ServiceError("Busy.", 503, retry_after=70.0)))
    s.wait(69)
    assert len(s.all(io.PostStatus)) == 1
    s.wait(2)
    assert len(s.all(io.PostStatus)) == 2


def test_lost_audio_ends_the_call():
    s = talking()
    s.feed(io.MediaLost(CallMediaError("Silent.")))
    assert s.reason is EndReason.MEDIA_LOST
    assert s.all(io.Disconnect) == [io.Disconnect("c1", CauseCode.MEDIA_INACTIVITY)]


# --- any story ----------------------------------------------------------------------------------

steps = st.sampled_from(
    [
        lambda s: s.created(),
        lambda s: s.progress(),
        lambda s: s.progress(inband=True),
        lambda s: s.connected(),
        lambda s: s.announced(),
        lambda s: s.roap(RoapType.OFFER, 1),
        lambda s: s.roap(RoapType.OFFER, 2),
        lambda s: s.roap(RoapType.ANSWER),
        lambda s: s.roap(RoapType.OK),
        lambda s: s.roap(RoapType.ERROR),
        lambda s: s.roap(RoapType.OFFER_REQUEST, 2),
        lambda s: s.mid_call(MidCallState.HELD),
        lambda s: s.mid_call(MidCallState.CONNECTED),
        lambda s: s.disconnected(),
        lambda s: s.disconnected(CauseCode.BUSY),
        lambda s: s.hold(),
        lambda s: s.resume(),
        lambda s: s.command(io.Answer),
        lambda s: s.feed(io.Hangup()),
        lambda s: s.feed(io.Reject()),
        lambda s: s.feed(io.ServiceBack()),
        lambda s: s.feed(io.MediaRefused(CallMediaError("x"))),
        lambda s: s.feed(io.MediaLost(CallMediaError("x"))),
        lambda s: s.feed(io.OfferMade("o")),
        lambda s: s.feed(io.AnswerMade("a")),
        lambda s: s.feed(io.AnswerApplied()),
        *[lambda s, r=r: s.feed(io.RequestFailed(r, NetworkError("x"))) for r in io.Request],
        *[lambda s, r=r: s.feed(io.RequestDone(r)) for r in io.Request],
    ]
)


@given(
    st.sampled_from(list(Direction)),
    st.booleans(),
    st.lists(st.tuples(steps, st.floats(0, 45)), max_size=40),
)
def test_whatever_happens_the_invariants_hold(direction, audio, story):
    s = Story(direction, audio=audio)
    if direction is Direction.OUTGOING:
        s.command(io.Dial)
    for step, pause in story:
        try:
            step(s)
        except (CallStateError, CallEndedError):
            continue
        s.wait(pause)
    # Left alone, every call that is not up comes to an end, and every command has its answer.
    s.wait(200)
    if s.call.status is not CallStatus.CONNECTED:
        assert s.call.status is CallStatus.DISCONNECTED
    else:
        s.feed(io.Hangup())
    assert len(s.all(io.Ended)) == 1
    assert len(s.all(io.CloseMedia)) == 1
    assert len(s.all(io.Connected)) <= 1
    assert len(s.all(io.RingingStarted)) <= 1
    answers = [e.command for e in s.all(io.CommandDone | io.CommandFailed)]
    assert sorted(answers) == sorted(s.accepted)
    # After the end there is nothing but the DELETE that tells the service.
    end = next(n for n, e in enumerate(s.effects) if isinstance(e, io.Ended))
    after = [
        e for e in s.effects[end + 1 :] if not isinstance(e, io.CommandFailed | io.CommandDone)
    ]
    assert all(isinstance(e, io.Disconnect) for e in after)
