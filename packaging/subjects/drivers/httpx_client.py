"""httpx: one Client, or one AsyncClient, for all requests."""
import httpx

from driver_protocol import (
    HEALTH_TIMEOUT, AsyncDriver, Driver, body_of, pieces_async, read_order)


class Httpx(Driver):
    """timeout: its own timeout. stream_kept: send(stream=True), the response is kept unread."""

    def __init__(self, order):
        super().__init__(httpx.__version__, order)
        self.client = httpx.Client(timeout=order.timeout)

    def send(self, number):
        request = self.client.build_request(
            self.order.method, self.order.url, content=body_of(self.order))
        if self.order.mode == "stream_kept":
            self.kept.append(self.client.send(request, stream=True))
        else:
            self.client.send(request)

    def check(self):
        self.client.get(self.order.url, timeout=HEALTH_TIMEOUT).raise_for_status()

    def close(self):
        self.client.close()


class AsyncHttpx(AsyncDriver):
    """cancel: task.cancel() ends the requests, which have no timeout."""

    async def open(self):
        self.client = httpx.AsyncClient(timeout=None)

    async def send(self, number):
        await self.client.request(
            self.order.method, self.order.url, content=body_of(self.order, pieces_async))

    async def check(self):
        response = await self.client.get(self.order.url, timeout=HEALTH_TIMEOUT)
        response.raise_for_status()

    async def close(self):
        await self.client.aclose()


def main():
    order = read_order()
    if order.mode == "cancel":
        AsyncHttpx(httpx.__version__, order).run()
    else:
        Httpx(order).run()


main()
