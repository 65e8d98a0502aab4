"""requests: one Session for all requests."""
import requests

from driver_protocol import HEALTH_TIMEOUT, InterruptibleDriver, body_of, read_order


class Requests(InterruptibleDriver):
    """stream_kept, stream_dropped, stream_closed: stream=True, and the response is not read."""

    def __init__(self, order):
        super().__init__(requests.__version__, order)
        self.session = requests.Session()

    def send(self, number):
        response = self.session.request(
            self.order.method, self.order.url, data=body_of(self.order), timeout=self.timeout,
            stream=self.streams)
        if self.order.mode == "stream_kept":
            self.kept.append(response)
        elif self.order.mode == "stream_closed":
            response.close()

    def check(self):
        self.session.get(self.order.url, timeout=HEALTH_TIMEOUT).raise_for_status()

    def close(self):
        self.session.close()


Requests(read_order()).run()
