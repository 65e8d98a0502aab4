"""urllib3: one PoolManager for all requests, without retries."""
import os

import urllib3

from driver_protocol import HEALTH_TIMEOUT, InterruptibleDriver, body_of, read_order


class Urllib3(InterruptibleDriver):
    """stream_kept, stream_dropped, stream_closed: preload_content=False, and the response is not
    read."""

    def __init__(self, order):
        super().__init__(urllib3.__version__, order)
        # Without the name of a file urllib3 trusts certifi's, whatever OpenSSL is told.
        self.manager = urllib3.PoolManager(
            retries=False, ca_certs=os.environ.get("SSL_CERT_FILE"))

    def send(self, number):
        framing = {"chunked": True} if self.order.framing == "chunked" else {}
        response = self.manager.request(
            self.order.method, self.order.url, body=body_of(self.order), timeout=self.timeout,
            preload_content=not self.streams, **framing)
        if self.order.mode == "stream_kept":
            self.kept.append(response)
        elif self.order.mode == "stream_closed":
            response.close()

    def check(self):
        self.manager.request("GET", self.order.url, timeout=HEALTH_TIMEOUT)

    def close(self):
        self.manager.clear()


Urllib3(read_order()).run()
