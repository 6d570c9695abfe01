"""The fuzz drivers themselves, and a short fixed run of each of them."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZING = Path(__file__).parents[2] / "fuzzing"
SEED = 20
RUNS = {"media_port": 150, "jitter_buffer": 1000}
TARGETS = [
    "sdp",
    "roap",
    "mobius",
    "mercury",
    "rest",
    "phone_number",
    "name_addr",
    "id",
    "rtp",
    "telephone_event",
    "rtcp",
    "jitter_buffer",
    "relay",
    "relayed_reports",
    "media_port",
]


def drive(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FUZZING / "run.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_no_parser_is_left_out() -> None:
    said = drive("--help").stdout

    assert all(name in said for name in TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_messages_end_in_documented_errors_only(name: str, tmp_path: Path) -> None:
    runs = RUNS.get(name, 3000)

    result = drive(name, "--runs", str(runs), "--seed", str(SEED), "--finds", str(tmp_path))

    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{name}: {runs} inputs, no find (seed {SEED})\n"
    assert not list(tmp_path.iterdir())


def test_a_find_is_kept_and_can_be_fed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(FUZZING))
    import run
    import targets

    def brittle(data: bytes) -> None:
        if b"\xff" in data:
            raise KeyError("an undocumented error")

    monkeypatch.setattr(run, "TARGETS", [targets.Target("brittle", [b"seed"], brittle)])

    code = run.main(["brittle", "--seed", "1", "--runs", "100000", "--finds", str(tmp_path)])

    assert code == 1
    assert "an undocumented error" in capsys.readouterr().err
    (find,) = tmp_path.iterdir()
    assert b"\xff" in find.read_bytes()
    assert run.main(["brittle", "--replay", str(find), "--finds", str(tmp_path)]) == 1
    find.write_bytes(b"healed")
    assert run.main(["brittle", "--replay", str(find), "--finds", str(tmp_path)]) == 0
