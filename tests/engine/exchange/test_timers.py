"""Deadlines of many things at once."""

from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.exchange.timers import Timers

Steps = list[tuple[str, str, float]]
steps = st.lists(
    st.tuples(
        st.sampled_from(["arm", "later", "gone", "pass"]),
        st.sampled_from("abcde"),
        st.floats(0, 100),
    ),
    max_size=200,
)


@given(steps)
def test_what_is_due_first_is_always_known_and_fires_once(steps: Steps) -> None:
    due: dict[str, float] = {}
    timers = Timers(due.get)
    now = 0.0
    for what, key, seconds in steps:
        match what:
            case "arm":
                due[key] = now + seconds
                timers.arm(key)
            case "later" if key in due:
                due[key] += seconds
            case "gone":
                due.pop(key, None)
                timers.disarm(key)
            case "pass":
                now += seconds
                expected = {each for each, at in due.items() if at <= now}
                fired = timers.expired(now)
                assert set(fired) == expected
                assert len(fired) == len(expected)
                for each in fired:
                    del due[each]
        assert timers.next() == min(due.values(), default=None)


def test_keys_that_are_gone_do_not_pile_up() -> None:
    due = {"stays": 1000.0}
    timers = Timers(due.get)
    timers.arm("stays")
    for number in range(10_000):
        due[str(number)] = 2000.0
        timers.arm(str(number))
        del due[str(number)]
        timers.disarm(str(number))
    assert len(timers) < 200
    assert timers.next() == 1000.0
