"""Silence plays as long as what it takes the place of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.opus_duration import UNIT, opus_silence, opus_ticks


@pytest.mark.parametrize("milliseconds", [2.5, 5, 10, 20, 40, 60, 80, 100, 120])
def test_silence_has_the_duration_that_was_asked_for(milliseconds: float) -> None:
    ticks = round(48 * milliseconds)
    assert opus_ticks(opus_silence(ticks)) == ticks


@given(st.binary(max_size=10))
def test_for_any_packet_there_is_silence_of_its_length(payload: bytes) -> None:
    ticks = opus_ticks(payload)
    assert ticks % UNIT == 0
    if ticks:
        assert opus_ticks(opus_silence(ticks)) == ticks
