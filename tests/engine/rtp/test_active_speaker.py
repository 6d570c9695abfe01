"""Who is said to speak: the loudest, after a moment, and not for a cough."""

from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.active_speaker import ActiveSpeaker

SILENT = -100.0


def hear(watch: ActiveSpeaker[str], seconds: float, **levels: float) -> list[str]:
    """What is told meanwhile."""
    told = [watch.update(levels.items()) for _ in range(round(seconds * 50))]
    return [speaker for speaker in told if speaker is not None]


def test_the_loudest_is_told_once_and_after_a_moment() -> None:
    watch: ActiveSpeaker[str] = ActiveSpeaker()
    assert hear(watch, 0.3, a=-20, b=-30) == []
    assert hear(watch, 5, a=-20, b=-30) == ["a"]
    assert watch.speaker == "a"


def test_a_cough_does_not_take_the_floor() -> None:
    watch: ActiveSpeaker[str] = ActiveSpeaker()
    hear(watch, 1, a=-20, b=SILENT)
    assert hear(watch, 0.2, a=-20, b=-5) == []
    assert hear(watch, 1, a=-20, b=SILENT) == []


def test_who_is_hardly_louder_does_not_take_it_either() -> None:
    watch: ActiveSpeaker[str] = ActiveSpeaker()
    hear(watch, 1, a=-20, b=-30)
    assert hear(watch, 3, a=-20, b=-18) == []
    assert hear(watch, 3, a=-20, b=-16) == ["b"]


def test_when_all_fall_silent_the_last_speaker_stays() -> None:
    watch: ActiveSpeaker[str] = ActiveSpeaker()
    hear(watch, 1, a=-20, b=SILENT)
    assert hear(watch, 3, a=SILENT, b=-60) == []
    assert watch.speaker == "a"
    assert hear(watch, 1, a=SILENT, b=-40) == ["b"]


def test_who_left_and_comes_back_is_told_again() -> None:
    watch: ActiveSpeaker[str] = ActiveSpeaker()
    hear(watch, 1, a=-20, b=-30)
    watch.forget("a")
    assert hear(watch, 1, b=-30) == ["b"]
    assert hear(watch, 1, a=-20, b=-30) == ["a"]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(-100, 0)), max_size=300))
def test_only_who_is_there_and_speaks_is_told(frames: list[dict[str, float]]) -> None:
    watch: ActiveSpeaker[str] = ActiveSpeaker()
    last = None
    for levels in frames:
        told = watch.update(levels.items())
        if told is not None:
            assert levels[told] == max(levels.values()) > -45
            assert told != last
            last = told
