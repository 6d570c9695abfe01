"""A skipped test is a note on a desk and a failure in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def run_with_a_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(
        """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="no browser")
def test_needs_a_browser():
    pass
"""
    )
    return pytester.runpytest_subprocess("-p", "no_skips")


def test_ci_is_red_when_a_test_was_skipped(pytester, monkeypatch):
    result = run_with_a_skip(pytester, monkeypatch, ci="true")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED (skipped in CI): *test_needs_a_browser"])


def test_on_a_desk_a_skip_is_only_noted(pytester, monkeypatch):
    result = run_with_a_skip(pytester, monkeypatch, ci="")
    assert result.ret == pytest.ExitCode.OK


def test_a_module_that_skips_itself_counts_too(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("CI", "1")
    pytester.makepyfile(
        test_a="import pytest; pytest.skip('none', allow_module_level=True)",
        test_b="def test_runs(): pass",
    )
    result = pytester.runpytest_subprocess("-p", "no_skips")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
