"""These stories are told on every kind of database."""

import pytest

from service.running import Cloud


@pytest.fixture
def cloud(any_cloud: Cloud) -> Cloud:
    return any_cloud
