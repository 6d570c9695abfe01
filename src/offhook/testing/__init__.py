"""For the tests of apps that call: a whole cloud, in this process, offline.

::

    async with local_cloud() as cloud:
        alice = Webex(TokenAuthenticator(cloud.person("alice").token), cloud=cloud.http)

Needs the extra ``service``.
"""

from offhook.testing.cloud import LocalCloud, LocalPerson, local_cloud

__all__ = ["LocalCloud", "LocalPerson", "local_cloud"]
