"""A line's registration over hours of virtual time: fail-over, fail-back, keep-alive, refusals."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.client import LineRegistration
from offhook.engine.client import registration_io as io

P1, P2 = "https://p1.example/calling/web/", "https://p2.example/calling/web/"
B1 = "https://b1.example/calling/web/"

Answers = Callable[[io.Effect], io.Input | None]


class Registrar:
    """A registration with a clock, and servers that answer as `answers` says, at once."""

    def __init__(self, *, chance: float = 5.0) -> None:
        self.machine = LineRegistration(uniform=lambda low, high: min(max(chance, low), high))
        self.now = 0.0
        self.log: list[tuple[float, io.Effect]] = []
        self.answers: Answers = lambda effect: None
        self.lines = 0

    def feed(self, event: io.Input) -> None:
        queue = [event]
        while queue:
            for effect in self.machine.handle(queue.pop(0), self.now):
                self.log.append((self.now, effect))
                answer = self.answers(effect)
                if answer is not None:
                    queue.append(answer)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.machine.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.feed(io.Tick())
        self.now = end

    def posts(self) -> list[tuple[float, str]]:
        return [(at, e.base) for at, e in self.log if isinstance(e, io.PostDevice)]

    def count(self, kind: type) -> int:
        return sum(isinstance(e, kind) for _, e in self.log)

    def reports(self) -> list[io.LineStatus]:
        return [e.status for _, e in self.log if isinstance(e, io.Report)]

    @property
    def failure(self) -> io.LineFailure:
        return [e.failure for _, e in self.log if isinstance(e, io.Report)][-1]

    def line(self, base: str, **more: float) -> io.Registered:
        self.lines += 1
        return io.Registered(io.Line(base, f"{base}devices/d{self.lines}", 30.0, **more))

    def healthy(self, effect: io.Effect, *, down: tuple[str, ...] = ()) -> io.Input | None:
        match effect:
            case io.PostDevice(base=base):
                return io.Refused(503) if base in down else self.line(base)
            case io.PostStatus():
                return io.KeptAlive()
            case io.DeleteDevice():
                return io.Deleted()
            case io.GetPing(base=base):
                return io.Pinged(base not in down)
        return None


def started(answers: Answers | None = None, **more) -> Registrar:
    registrar = Registrar(**more)
    registrar.answers = answers or registrar.healthy
    registrar.feed(io.Start((P1,), (B1,)))
    return registrar


def test_a_line_registers_with_the_first_primary_that_takes_it():
    r = Registrar()
    r.answers = lambda effect: r.healthy(effect, down=(P1,))
    r.feed(io.Start((P1, P2), (B1,)))
    assert [base for _, base in r.posts()] == [P1, P2]
    assert r.reports() == [io.LineStatus.CONNECTING, io.LineStatus.REGISTERED]
    assert r.machine.line.base == P2


def test_keep_alives_go_out_at_the_interval_that_the_service_gave():
    r = started()
    r.wait(305)
    times = [at for at, effect in r.log if isinstance(effect, io.PostStatus)]
    assert times == [30.0 * n for n in range(1, 11)]


def test_primaries_are_tried_for_114_seconds_then_the_backups():
    r = Registrar()
    r.answers = lambda effect: r.healthy(effect, down=(P1,))
    r.feed(io.Start((P1,), (B1,)))
    r.wait(200)
    # 30 + 2**n + 5 seconds apart; what is left of 114 s after that is too little for another.
    assert r.posts() == [(0, P1), (37, P1), (76, P1), (114, P1), (114, B1)]
    assert r.machine.line.base == B1


def test_a_last_interval_that_would_be_too_short_is_skipped():
    r = Registrar(chance=10.0)
    r.answers = lambda effect: r.healthy(effect, down=(P1,))
    r.feed(io.Start((P1,), (B1,)))
    r.wait(200)
    # 42 and 44 s; 28 s would be left: on to the backups.
    assert r.posts() == [(0, P1), (42, P1), (86, P1), (86, B1)]


def test_backups_get_a_second_chance_and_then_it_has_failed_but_is_tried_on():
    r = Registrar()
    r.answers = lambda effect: r.healthy(effect, down=(P1, B1))
    r.feed(io.Start((P1,), (B1,)))
    r.wait(160)
    assert [base for _, base in r.posts()][-2:] == [B1, B1]
    assert r.reports()[-1] is io.LineStatus.FAILED
    assert r.failure is io.LineFailure.ALL_SERVERS_FAILED
    r.answers = r.healthy
    r.wait(io.SLOW_RETRY + 1)
    assert r.reports()[-1] is io.LineStatus.REGISTERED


@pytest.mark.parametrize("retry_after", [1.0, 12.0, 59.0])
def test_a_short_retry_after_is_the_delay(retry_after):
    r = Registrar()
    answers = iter([io.Refused(429, retry_after=retry_after)])
    r.answers = lambda effect: (
        next(answers, None) or r.healthy(effect)
        if isinstance(effect, io.PostDevice)
        else r.healthy(effect)
    )
    r.feed(io.Start((P1,), (B1,)))
    r.wait(100)
    assert r.posts() == [(0, P1), (retry_after, P1)]


def test_a_long_retry_after_leads_to_the_backups():
    r = Registrar()
    r.answers = lambda effect: (
        io.Refused(503, retry_after=90.0)
        if effect == io.PostDevice(P1)
        else r.healthy(effect, down=(P1,))
    )
    r.feed(io.Start((P1,), (B1,)))
    assert r.posts() == [(0, P1), (0, B1)]


@pytest.mark.parametrize(
    ("refused", "failure"),
    [
        (io.Refused(400), io.LineFailure.BAD_REQUEST),
        (io.Refused(401), io.LineFailure.UNAUTHORIZED),
        (io.Refused(404), io.LineFailure.NOT_FOUND),
        (io.Refused(403, 102), io.LineFailure.FORBIDDEN),
    ],
)
def test_a_plain_no_is_final(refused, failure):
    r = started(lambda effect: refused if isinstance(effect, io.PostDevice) else None)
    assert r.failure is failure
    r.wait(10_000)
    assert len(r.posts()) == 1


@pytest.mark.parametrize("refused", [io.Refused(403, 103), io.Refused(500), io.Refused(None)])
def test_other_refusals_fail_over(refused):
    r = started(lambda effect: refused if isinstance(effect, io.PostDevice) else None)
    r.wait(60)
    assert len(r.posts()) == 2


def test_at_the_device_limit_the_oldest_line_makes_room():
    r = Registrar()
    rival = f"{P2}devices/old"
    answers = iter([io.Refused(403, 101, rival=rival)])
    r.answers = lambda effect: (
        next(answers, None) or r.healthy(effect)
        if isinstance(effect, io.PostDevice)
        else r.healthy(effect)
    )
    r.feed(io.Start((P1,), (B1,)))
    assert [e for _, e in r.log if isinstance(e, io.DeleteDevice)] == [io.DeleteDevice(rival)]
    assert [base for _, base in r.posts()] == [P1, P2]
    assert r.machine.line is not None


def test_a_service_that_always_has_another_rival_does_not_catch_us_in_a_loop():
    r = Registrar()
    r.answers = lambda effect: (
        io.Refused(403, 101, rival=f"{P1}devices/x")
        if isinstance(effect, io.PostDevice)
        else r.healthy(effect)
    )
    r.feed(io.Start((P1,), ()))
    assert r.count(io.DeleteDevice) == io.RIVALS_REMOVED


def test_a_line_that_the_service_has_forgotten_registers_again_at_once():
    r = started()
    r.answers = lambda effect: (
        io.KeptAlive(io.Refused(404)) if isinstance(effect, io.PostStatus) else r.healthy(effect)
    )
    r.wait(30)
    assert r.posts() == [(0, P1), (30, P1)]
    assert r.reports()[-2:] == [io.LineStatus.UNREGISTERED, io.LineStatus.REGISTERED]


@pytest.mark.parametrize("status", [400, 401])
def test_a_keep_alive_that_is_refused_ends_the_registration(status):
    r = started()
    r.answers = lambda effect: (
        io.KeptAlive(io.Refused(status)) if isinstance(effect, io.PostStatus) else r.healthy(effect)
    )
    r.wait(3600)
    assert r.reports()[-1] is io.LineStatus.FAILED
    assert r.count(io.PostStatus) == 1


def test_a_keep_alive_that_comes_too_often_waits_as_told():
    r = started()
    answers = iter([io.KeptAlive(io.Refused(429, retry_after=100.0))])
    r.answers = lambda effect: (
        next(answers, None) or r.healthy(effect)
        if isinstance(effect, io.PostStatus)
        else r.healthy(effect)
    )
    r.wait(140)
    assert [at for at, e in r.log if isinstance(e, io.PostStatus)] == [30, 130]
    assert io.LineStatus.UNREGISTERED not in r.reports()


def test_five_missed_keep_alives_register_anew_on_the_same_server():
    r = started()
    r.answers = lambda effect: (
        io.KeptAlive(io.Refused(500)) if isinstance(effect, io.PostStatus) else r.healthy(effect)
    )
    r.wait(150)
    assert r.reports() == [
        io.LineStatus.CONNECTING,
        io.LineStatus.REGISTERED,
        *[io.LineStatus.RECONNECTING] * 4,
        io.LineStatus.UNREGISTERED,
        io.LineStatus.REGISTERED,
    ]
    assert r.posts() == [(0, P1), (150, P1)]


def test_a_keep_alive_that_gets_through_again_is_told():
    r = started()
    answers = iter([io.KeptAlive(io.Refused()), io.KeptAlive(io.Refused())])
    r.answers = lambda effect: (
        next(answers, None) or r.healthy(effect)
        if isinstance(effect, io.PostStatus)
        else r.healthy(effect)
    )
    r.wait(95)
    assert r.reports()[-3:] == [
        io.LineStatus.RECONNECTING,
        io.LineStatus.RECONNECTING,
        io.LineStatus.REGISTERED,
    ]


def test_registering_anew_waits_until_no_call_is_active():
    r = started()
    r.feed(io.CallsChanged(active=True))
    r.answers = lambda effect: (
        io.KeptAlive(io.Refused(500)) if isinstance(effect, io.PostStatus) else r.healthy(effect)
    )
    r.wait(600)
    assert len(r.posts()) == 1
    r.feed(io.CallsChanged(active=False))
    assert len(r.posts()) == 2


def backed_up() -> Registrar:
    """Registered with the backup, since the primary was down; it is back now."""
    r = Registrar()
    r.answers = lambda effect: (
        r.line(B1, rehoming_min=60, rehoming_max=120)
        if effect == io.PostDevice(B1)
        else r.healthy(effect, down=(P1,))
    )
    r.feed(io.Start((P1,), (B1,)))
    r.wait(114)
    assert r.machine.line.base == B1
    r.answers = r.healthy
    return r


def test_after_an_hour_it_goes_back_to_the_primary():
    r = backed_up()
    r.wait(60 * 60 - 1)
    assert r.machine.line.base == B1
    r.wait(2)
    assert r.machine.line.base == P1
    tail = [type(e) for _, e in r.log[-5:]]
    assert tail == [io.GetPing, io.Report, io.DeleteDevice, io.PostDevice, io.Report]


def test_it_does_not_go_back_while_a_call_is_active():
    r = backed_up()
    r.feed(io.CallsChanged(active=True))
    r.wait(60 * 60 + 1)
    assert r.machine.line.base == B1
    r.feed(io.CallsChanged(active=False))
    r.wait(60 * 60 + 1)
    assert r.machine.line.base == P1


def test_a_call_that_begins_while_the_primary_is_asked_is_not_disturbed():
    r = backed_up()
    r.answers = lambda effect: None if isinstance(effect, io.GetPing) else r.healthy(effect)
    r.wait(60 * 60 + 1)
    assert r.count(io.GetPing) == 1
    r.feed(io.CallsChanged(active=True))
    r.feed(io.Pinged(answered=True))
    assert r.count(io.DeleteDevice) == 0
    assert r.machine.line.base == B1


def test_it_does_not_go_back_to_a_primary_that_does_not_answer():
    r = backed_up()
    r.answers = lambda effect: r.healthy(effect, down=(P1,))
    r.wait(60 * 60 + 1)
    assert r.machine.line.base == B1
    assert r.count(io.GetPing) == 1


def test_a_primary_that_asks_to_wait_is_waited_for_five_times_and_then_it_is_the_backup_again():
    r = backed_up()
    r.answers = lambda effect: (
        io.Refused(429, retry_after=10.0) if effect == io.PostDevice(P1) else r.healthy(effect)
    )
    before = len(r.posts())
    r.wait(60 * 60 + 60)
    assert [base for _, base in r.posts()[before:]] == [P1] * 5 + [B1]
    assert r.machine.line.base == B1


def test_once_events_are_back_it_asks_at_once_whether_the_line_is_still_known():
    r = started()
    r.wait(10)
    r.feed(io.EventsBack())
    assert r.log[-2] == (10, io.PostStatus(r.machine.line.uri))
    assert r.reports()[-1] is io.LineStatus.REGISTERED


def test_after_an_outage_the_line_is_registered_anew_once_no_call_is_active():
    r = started()
    answers = iter([io.KeptAlive(io.Refused()), io.KeptAlive(io.Refused())])
    r.answers = lambda effect: (
        next(answers, None) or r.healthy(effect)
        if isinstance(effect, io.PostStatus)
        else r.healthy(effect)
    )
    r.feed(io.CallsChanged(active=True))
    r.wait(65)
    r.feed(io.EventsBack())
    r.wait(20)
    assert r.count(io.DeleteDevice) == 0
    r.feed(io.CallsChanged(active=False))
    r.wait(io.IDLE_CHECK)
    assert r.count(io.DeleteDevice) == 1
    assert len(r.posts()) == 2
    assert r.machine.line is not None


def test_events_that_are_back_cut_a_pause_short():
    r = Registrar()
    r.answers = lambda effect: r.healthy(effect, down=(P1,))
    r.feed(io.Start((P1,), ()))
    r.wait(5)
    r.answers = r.healthy
    r.feed(io.EventsBack())
    assert r.machine.line is not None


def test_stopping_unregisters_and_nothing_follows():
    r = started()
    uri = r.machine.line.uri
    r.feed(io.Stop())
    assert [e for _, e in r.log if isinstance(e, io.DeleteDevice)] == [io.DeleteDevice(uri)]
    assert r.machine.deadline is None
    before = len(r.log)
    r.wait(1000)
    assert len(r.log) == before


def test_a_line_that_is_registered_after_the_stop_is_removed():
    r = started(lambda effect: None)
    r.feed(io.Stop())
    late = r.line(P1)
    r.feed(late)
    assert r.log[-1][1] == io.DeleteDevice(late.line.uri)


refusals = st.builds(
    io.Refused,
    st.sampled_from([None, 400, 401, 403, 404, 429, 500, 503]),
    st.sampled_from([None, 101, 102, 103]),
    st.sampled_from([None, 0.0, 5.0, 59.0, 61.0, 500.0]),
    st.sampled_from(["", f"{P1}devices/other"]),
)
inputs = st.one_of(
    st.just(io.Start((P1, P2), (B1,))),
    st.just(io.Start((P1,))),
    st.just(io.Stop()),
    st.just(io.EventsBack()),
    st.just(io.Deleted()),
    st.builds(io.CallsChanged, st.booleans()),
    st.builds(io.Pinged, st.booleans()),
    st.builds(io.KeptAlive, st.none() | refusals),
    refusals,
    st.sampled_from([P1, B1]).map(
        lambda base: io.Registered(io.Line(base, f"{base}devices/d", 30.0))
    ),
)


@given(st.lists(st.tuples(inputs, st.floats(0, 500)), max_size=50))
def test_whatever_comes_it_neither_stalls_nor_floods(story):
    r = Registrar()
    for event, pause in story:
        r.feed(event)
        r.wait(pause)
    times = [at for at, effect in r.log if isinstance(effect, io.PostDevice | io.PostStatus)]
    # Without an input there is never more than a handful of requests in a second.
    bound = (len(story) + 1) * 8 + (r.now / io.RETRY_BASE) * 8
    assert len(times) <= bound


@given(st.floats(1, 10), st.lists(st.sampled_from([None, 500, 503, 429]), min_size=1, max_size=8))
def test_a_server_that_comes_back_is_found_again(chance, failures):
    r = Registrar(chance=chance)
    waiting = list(failures)
    r.answers = lambda effect: (
        io.Refused(waiting.pop(0))
        if isinstance(effect, io.PostDevice) and waiting
        else r.healthy(effect)
    )
    r.feed(io.Start((P1,), (B1,)))
    r.wait(len(failures) * 130.0 + 300)
    assert r.machine.line is not None
