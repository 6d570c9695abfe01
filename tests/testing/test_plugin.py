"""The fixtures, as a project of somebody else gets them."""

import pytest

CONFTEST = 'pytest_plugins = ["offhook.testing.plugin"]'
TESTS = """
import asyncio

import pytest

pytestmark = pytest.mark.asyncio


async def test_both_are_there(apns_server, fcm_server):
    for server in (apns_server, fcm_server):
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.close()
    assert apns_server.key.file.exists()
    assert fcm_server.credentials.exists()


async def test_each_test_has_its_own(apns_server, fcm_server):
    apns_server.answer(503)
    assert apns_server.pushes == fcm_server.pushes == []
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_a_project_lists_the_plugin_and_has_the_servers(
    pytester: pytest.Pytester, mode: str
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    options = [f"asyncio_mode={mode}", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-W", "error", *(f"--override-ini={each}" for each in options)
    )
    result.assert_outcomes(passed=2)
