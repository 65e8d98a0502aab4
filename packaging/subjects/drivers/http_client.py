"""http.client: one HTTPConnection per request, which the library leaves its caller to close."""
import http.client
import platform
import urllib.parse

from driver_protocol import HEALTH_TIMEOUT, Driver, body_of, read_order


class HttpClient(Driver):
    """close_finally: close() in `finally`. object_kept: the timeout is caught, nobody closes."""

    def __init__(self, order):
        super().__init__(platform.python_version(), order)
        url = urllib.parse.urlsplit(order.url)
        self.target = url._replace(scheme="", netloc="").geturl() or "/"
        over_tls = url.scheme == "https"
        kind = http.client.HTTPSConnection if over_tls else http.client.HTTPConnection
        self.kept = [
            kind(url.hostname, url.port, timeout=order.timeout)
            for _ in range(order.requests)
        ]

    def send(self, number):
        connection = self.kept[number]
        try:
            self.exchange(connection)
        finally:
            if self.order.mode == "close_finally":
                connection.close()

    def exchange(self, connection):
        """A generator is sent chunked when no length is given."""
        connection.request(self.order.method, self.target, body=body_of(self.order))
        connection.getresponse().read()

    def check(self):
        connection = self.kept[0]
        connection.timeout = HEALTH_TIMEOUT
        try:
            connection.request("GET", self.target)
            connection.getresponse().read()
        finally:
            if self.order.mode == "close_finally":
                connection.close()

    def close(self):
        for connection in self.kept:
            connection.close()


HttpClient(read_order()).run()
