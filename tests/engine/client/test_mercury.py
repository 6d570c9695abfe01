"""The event connection over minutes of virtual time: pings, close codes, back-off, switch-over."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.client import MercurySession
from offhook.engine.client import mercury_io as io
from offhook.wire.mercury import FrameType, ServerFrame


class Connection:
    """A session with a clock, and what it asked for."""

    def __init__(self) -> None:
        ids = itertools.count(1)
        self.session = MercurySession(new_id=lambda: f"id{next(ids)}")
        self.now = 1000.0
        self.effects: list[io.Effect] = []

    def feed(self, event: io.Input) -> list[io.Effect]:
        out = self.session.handle(event, self.now)
        self.effects += out
        return out

    def wait(self, seconds: float) -> list[io.Effect]:
        """Let time pass, ticking when the session wants to."""
        end = self.now + seconds
        out: list[io.Effect] = []
        while (deadline := self.session.deadline) is not None and deadline <= end:
            self.now = max(deadline, self.now)
            out += self.feed(io.Tick())
        self.now = end
        return out

    def event(self, socket: int, event_id: str = "", data: bytes = b'{"eventType":"x"}'):
        frame = ServerFrame(id=event_id or f"e{self.now}", data=msgspec.Raw(data), trackingId="t")
        return self.feed(io.FrameCame(socket, frame))

    def pong(self, socket: int, ping: str):
        return self.feed(io.FrameCame(socket, ServerFrame(id=ping, type=FrameType.PONG)))

    def online(self) -> int:
        """Bring it up; returns the socket."""
        [opened] = [e for e in self.feed(io.Start()) if isinstance(e, io.OpenSocket)]
        self.feed(io.Opened(opened.socket))
        self.event(opened.socket, "buffer-state")
        return opened.socket


def of(effects: list[io.Effect], kind: type):
    return [effect for effect in effects if isinstance(effect, kind)]


def sent(effects: list[io.Effect], kind: FrameType) -> list[io.SendFrame]:
    return [e for e in of(effects, io.SendFrame) if e.frame.type is kind]


def opened(effects: list[io.Effect]) -> list[int]:
    return [e.socket for e in of(effects, io.OpenSocket)]


def test_the_hand_shake_is_token_then_event_then_ack_then_ping():
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    assert of(c.feed(io.Opened(socket)), io.Authorize) == [io.Authorize(socket, "id1")]
    effects = c.event(socket, "first")
    assert [type(e) for e in effects] == [
        io.SendFrame,  # ack
        io.SendFrame,  # ping
        io.WentOnline,
        io.Deliver,
    ]
    assert sent(effects, FrameType.ACK)[0].frame.messageId == "first"
    assert sent(effects, FrameType.PING)
    assert of(effects, io.WentOnline) == [io.WentOnline(again=False)]


def test_every_frame_is_acknowledged_pongs_too():
    c = Connection()
    socket = c.online()
    ping = sent(c.effects, FrameType.PING)[0].frame.id
    assert sent(c.pong(socket, ping), FrameType.ACK)[0].frame.messageId == ping
    assert sent(c.event(socket, "e9"), FrameType.ACK)[0].frame.messageId == "e9"


def test_a_ping_goes_out_fifteen_seconds_after_each_pong():
    c = Connection()
    socket = c.online()
    ping = sent(c.effects, FrameType.PING)[0].frame.id
    c.wait(3)
    c.pong(socket, ping)
    assert not sent(c.wait(14.9), FrameType.PING)
    assert sent(c.wait(0.2), FrameType.PING)


def test_without_a_pong_within_fourteen_seconds_it_reconnects_at_once():
    c = Connection()
    socket = c.online()
    assert not opened(c.wait(13.9))
    effects = c.wait(0.2)
    assert of(effects, io.CloseSocket) == [io.CloseSocket(socket, 1000, "Pong not received")]
    assert of(effects, io.WentOffline)
    assert opened(effects) == [socket + 1]


def test_in_a_hurry_a_connection_that_died_unnoticed_is_replaced_within_seconds():
    c = Connection()
    socket = c.online()
    c.pong(socket, sent(c.effects, FrameType.PING)[0].frame.id)
    c.wait(5)
    [ping] = sent(c.feed(io.Hurry()), FrameType.PING)
    assert not sent(c.feed(io.Hurry()), FrameType.PING), "one ping at a time"
    assert not opened(c.wait(1.9))
    effects = c.wait(0.2)
    assert of(effects, io.CloseSocket) == [io.CloseSocket(socket, 1000, "Pong not received")]
    assert opened(effects) == [socket + 1]
    assert ping.frame.id


def test_in_a_hurry_a_connection_that_lives_stays_and_is_pinged_as_before():
    c = Connection()
    socket = c.online()
    c.pong(socket, sent(c.effects, FrameType.PING)[0].frame.id)
    [ping] = sent(c.feed(io.Hurry()), FrameType.PING)
    c.pong(socket, ping.frame.id)
    assert not of(c.wait(14.9), io.WentOffline)
    assert sent(c.wait(0.2), FrameType.PING)


def test_in_a_hurry_it_does_not_wait_to_come_back():
    c = Connection()
    socket = c.online()
    c.feed(io.Closed(socket, 1006))
    c.feed(io.Closed(socket + 1, 1006))
    assert opened(c.feed(io.Hurry())) == [socket + 2]
    assert not opened(c.feed(io.Hurry()))


def test_a_pong_with_another_id_is_a_reason_to_reconnect():
    c = Connection()
    socket = c.online()
    effects = c.pong(socket, "nonsense")
    assert of(effects, io.CloseSocket)[0].reason == "Pong mismatch"
    assert opened(effects)


@pytest.mark.parametrize("code", [1001, 1005, 1006, 1011, 1012, 1013])
def test_it_comes_back_at_once_after(code):
    c = Connection()
    socket = c.online()
    effects = c.feed(io.Closed(socket, code))
    assert of(effects, io.WentOffline)
    assert opened(effects) == [socket + 1]


@pytest.mark.parametrize("code", [1000, 3050])
@pytest.mark.parametrize("reason", ["idle", "Done (forced)", "pong not received", "pong mismatch"])
def test_it_comes_back_after_a_close_whose_reason_invites_it(code, reason):
    c = Connection()
    assert opened(c.feed(io.Closed(c.online(), code, reason)))


@pytest.mark.parametrize(
    ("code", "reason", "why"),
    [
        (1000, "", io.GiveUpReason.CLOSED),
        (1000, "Done", io.GiveUpReason.CLOSED),
        (3050, "other", io.GiveUpReason.CLOSED),
        (1003, "", io.GiveUpReason.CLOSED),
        (1008, "", io.GiveUpReason.CLOSED),
        (4404, "", io.GiveUpReason.CLOSED),
        (4000, "", io.GiveUpReason.REPLACED),
        (4001, "", io.GiveUpReason.REPLACED),
    ],
)
def test_it_stays_away_after(code, reason, why):
    c = Connection()
    effects = c.feed(io.Closed(c.online(), code, reason))
    assert not opened(effects)
    assert of(effects, io.GaveUp) == [io.GaveUp(why, code)]
    assert c.session.deadline is None


def test_back_off_doubles_from_one_second_to_thirty_two():
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    pauses = []
    for _ in range(8):
        c.feed(io.Closed(socket, 1006))
        pauses.append(c.session.deadline - c.now)
        [socket] = opened(c.wait(pauses[-1]))
    assert pauses == [1, 2, 4, 8, 16, 32, 32, 32]


def test_back_off_begins_anew_after_a_good_connection():
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    for pause in (1, 2, 4):
        c.feed(io.Closed(socket, 1006))
        [socket] = opened(c.wait(pause))
    c.feed(io.Opened(socket))
    c.event(socket)
    [socket] = opened(c.feed(io.Closed(socket, 1006)))  # at once
    c.feed(io.Closed(socket, 1006))
    assert c.session.deadline == c.now + 1


def test_coming_back_is_told_as_such():
    c = Connection()
    [socket] = opened(c.feed(io.Closed(c.online(), 1006)))
    c.feed(io.Opened(socket))
    assert of(c.event(socket), io.WentOnline) == [io.WentOnline(again=True)]


@pytest.mark.parametrize("code", [4400, 4403])
def test_a_refused_hand_shake_is_final(code):
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    assert of(c.feed(io.Closed(socket, code)), io.GaveUp) == [
        io.GaveUp(io.GiveUpReason.FORBIDDEN, code)
    ]


def test_an_unauthorized_hand_shake_gets_one_fresh_token():
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    effects = c.feed(io.Closed(socket, 4401))
    assert of(effects, io.RenewCredentials)
    [socket] = opened(c.feed(io.Renewed(succeeded=True)))
    effects = c.feed(io.Closed(socket, 4401))
    assert of(effects, io.GaveUp) == [io.GaveUp(io.GiveUpReason.UNAUTHORIZED, 4401)]


def test_a_bad_address_renews_the_device_once_and_then_backs_off():
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    assert of(c.feed(io.Closed(socket, 1005)), io.RenewDevice)
    [socket] = opened(c.feed(io.Renewed(succeeded=True)))
    assert not c.feed(io.Closed(socket, 1005))
    assert opened(c.wait(1.1))


def test_a_server_that_never_authorizes_is_left_after_a_while():
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    c.feed(io.Opened(socket))
    effects = c.wait(io.HANDSHAKE_TIMEOUT + 1.1)
    assert of(effects, io.CloseSocket)[0].socket == socket
    assert opened(effects)


def test_an_event_that_comes_twice_is_delivered_once():
    c = Connection()
    socket = c.online()
    assert of(c.event(socket, "same"), io.Deliver)
    again = c.event(socket, "same")
    assert not of(again, io.Deliver)
    assert sent(again, FrameType.ACK)


def test_before_a_server_goes_it_is_replaced_without_a_gap():
    c = Connection()
    old = c.online()
    [new] = opened(c.feed(io.FrameCame(old, ServerFrame(id="s", type=FrameType.SHUTDOWN))))
    c.feed(io.Opened(new))
    assert of(c.event(old, "on its way"), io.Deliver)
    effects = c.event(new, "welcome")
    assert not of(effects, io.WentOffline)
    assert not of(effects, io.WentOnline)
    assert of(c.event(old, "late"), io.Deliver)
    assert c.feed(io.Closed(old, 4001)) == []
    assert c.session.online


def test_a_replacement_that_fails_does_no_harm():
    c = Connection()
    old = c.online()
    [new] = opened(c.feed(io.FrameCame(old, ServerFrame(id="s", type=FrameType.SHUTDOWN))))
    assert c.feed(io.Closed(new, 1006)) == []
    assert c.session.online
    assert opened(c.feed(io.Closed(old, 1001)))


def test_stopping_closes_what_is_open_and_nothing_follows():
    c = Connection()
    socket = c.online()
    assert c.feed(io.Stop()) == [io.CloseSocket(socket, 1000, "Done")]
    assert c.session.deadline is None
    assert c.feed(io.Closed(socket, 1000)) == []
    assert c.event(socket) == []


inputs = st.one_of(
    st.just(io.Start()),
    st.just(io.Stop()),
    st.builds(io.Opened, st.integers(1, 6)),
    st.builds(io.Renewed, st.booleans()),
    st.builds(
        io.Closed,
        st.integers(1, 6),
        st.sampled_from([1000, 1001, 1003, 1005, 1006, 1012, 3050, 4000, 4001, 4400, 4401, 4403]),
        st.sampled_from(["", "idle", "done (forced)"]),
        st.sampled_from([None, 401, 403, 404, 503]),
    ),
    st.builds(
        io.FrameCame,
        st.integers(1, 6),
        st.builds(
            ServerFrame,
            id=st.sampled_from([None, "id1", "id2", "id3"]),
            type=st.sampled_from([None, "pong", "shutdown", "strange"]),
            data=st.sampled_from([msgspec.Raw(), msgspec.Raw(b"{}")]),
        ),
    ),
)


@given(st.lists(st.tuples(inputs, st.floats(0, 40)), max_size=60))
def test_whatever_comes_there_is_at_most_one_connection_and_it_never_stalls(story):
    c = Connection()
    open_now: set[int] = set()
    online = False
    for event, pause in story:
        for effect in c.feed(event) + c.wait(pause):
            match effect:
                case io.OpenSocket(socket=socket):
                    assert socket not in open_now
                    open_now.add(socket)
                case io.CloseSocket(socket=socket):
                    open_now.discard(socket)
                case io.WentOnline():
                    assert not online
                    online = True
                case io.WentOffline():
                    assert online
                    online = False
        if isinstance(event, io.Closed):
            open_now.discard(event.socket)
        if isinstance(event, io.Stop):
            online = False
        # The live one, one that takes over, one that still drains.
        assert len(open_now) <= 3
        assert c.session.online is online or isinstance(event, io.Stop)


def test_a_second_unauthorized_hours_later_gets_a_fresh_token_again():
    c = Connection()
    [socket] = opened(c.feed(io.Start()))
    for _ in range(2):
        assert of(c.feed(io.Closed(socket, 4401)), io.RenewCredentials)
        [socket] = opened(c.feed(io.Renewed(succeeded=True)))
        c.feed(io.Opened(socket))
        c.event(socket)
        [socket] = opened(c.feed(io.Closed(socket, 1006)))


def test_a_server_that_goes_before_its_replacement_stands_is_replaced_by_it_all_the_same():
    c = Connection()
    old = c.online()
    [new] = opened(c.feed(io.FrameCame(old, ServerFrame(id="s", type=FrameType.SHUTDOWN))))
    effects = c.feed(io.Closed(old, 1001))
    assert of(effects, io.WentOffline)
    assert not opened(effects)
    c.feed(io.Opened(new))
    assert of(c.event(new), io.WentOnline) == [io.WentOnline(again=True)]
