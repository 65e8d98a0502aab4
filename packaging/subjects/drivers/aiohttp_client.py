"""aiohttp: one ClientSession for all requests."""
import aiohttp

from driver_protocol import HEALTH_TIMEOUT, AsyncDriver, body_of, pieces_async, read_order


class Aiohttp(AsyncDriver):
    """cancel: task.cancel(). timeout: ClientTimeout. unread_kept: the response is kept unread."""

    async def open(self):
        total = self.order.timeout if self.order.mode == "timeout" else None
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=total))

    async def send(self, number):
        response = await self.session.request(
            self.order.method, self.order.url, data=body_of(self.order, pieces_async))
        if self.order.mode == "unread_kept":
            self.kept.append(response)
            return
        async with response:
            await response.read()

    async def check(self):
        limit = aiohttp.ClientTimeout(total=HEALTH_TIMEOUT)
        async with self.session.get(self.order.url, timeout=limit) as response:
            await response.read()
            response.raise_for_status()

    async def close(self):
        await self.session.close()


Aiohttp(aiohttp.__version__, read_order()).run()
