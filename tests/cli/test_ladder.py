"""The ladder is read in a terminal: it must be aligned, fit, and show who said what to whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.cli.ladder import Step, draw

PARTIES = ["alice", "cloud", "bob"]


def test_an_arrow_points_from_the_source_to_the_target() -> None:
    _, forth, back = draw(
        PARTIES,
        [Step(0.0, "alice", "cloud", "place 1002"), Step(0.0123, "cloud", "alice", "ringing")],
    )
    assert forth.split() == ["0", "├──", "place", "1002", "───────►│", "│"]
    assert back.split() == ["12", "│◄──", "ringing", "──────────┤", "│"]


def test_an_arrow_may_pass_over_a_column() -> None:
    line = draw(PARTIES, [Step(0.0, "bob", "alice", "880 Hz")])[1]
    assert line.index("◄") < line.index("880 Hz") < line.index("┤")
    assert line.count("│") == 1


def test_a_note_stands_at_its_own_column() -> None:
    heading, line = draw(PARTIES, [Step(1.5, "cloud", "cloud", "joins the legs")])
    assert line.index("●") == heading.index("cloud")
    assert line.strip().startswith("1500")


def test_where_there_is_little_room_the_line_gives_way_to_the_words() -> None:
    parties = ["alice", "cloud", "backend", "apple", "bob"]
    asked = Step(0.0, "backend", "apple", "VoIP push"), Step(0.0, "alice", "cloud", "calls 1002")
    push, call = draw(parties, asked, width=75)[1:]
    assert "├ VoIP push ►│" in push
    assert "├ calls 10… ►│" in call


def test_a_step_of_a_stranger_is_refused() -> None:
    with pytest.raises(ValueError, match="mallory"):
        draw(PARTIES, [Step(0.0, "mallory", "bob", "hello")])


def test_too_narrow_a_terminal_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        draw(PARTIES, [], width=20)


@given(
    st.lists(
        st.builds(
            Step,
            st.floats(0, 600),
            st.sampled_from(PARTIES),
            st.sampled_from(PARTIES),
            st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=120),
        ),
        max_size=8,
    ),
    st.integers(60, 200),
)
def test_no_line_is_wider_than_the_terminal(steps: list[Step], width: int) -> None:
    lines = draw(PARTIES, steps, width=width)
    assert len(lines) == len(steps) + 1
    assert all(len(line) <= width for line in lines)
