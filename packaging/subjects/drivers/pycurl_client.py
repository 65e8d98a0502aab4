"""pycurl: one CurlMulti, which carries all requests and keeps their connections."""
import io
import os
import time

import pycurl

from driver_protocol import HEALTH_TIMEOUT, Driver, body_of, read_order


class PyCurl(Driver):
    """timeout: TIMEOUT_MS ends a transfer. remove: remove_handle() does. unperformed: this program
    gives up, no longer calls perform(), and keeps the handles."""

    def __init__(self, order):
        super().__init__(version(), order)
        self.multi = pycurl.CurlMulti()

    def results(self):
        handles = [self.handle_of(number) for number in range(self.order.requests)]
        for handle in handles:
            self.multi.add_handle(handle)
        limit = None if self.order.mode == "timeout" else self.order.timeout
        ended = self.perform(handles, limit)
        if self.order.mode == "unperformed":
            self.kept += [handle for handle in handles if handle not in ended]
        for handle in handles:
            if handle not in self.kept:
                self.multi.remove_handle(handle)
        return [ended.get(handle, "TimeoutError") for handle in handles]

    def perform(self, handles, limit):
        """Drives the transfers until all have ended, or for `limit` seconds: what each came to."""
        until = None if limit is None else time.monotonic() + limit
        ended = {}
        while len(ended) < len(handles) and (until is None or time.monotonic() < until):
            self.multi.perform()
            _, good, bad = self.multi.info_read()
            ended |= {handle: "ok" for handle in good}
            ended |= {handle: f"CurlError{code}" for handle, code, _ in bad}
            if len(ended) < len(handles):
                self.multi.select(self.patience(until))
        return ended

    def patience(self, until):
        """Seconds until libcurl, or this program, wants to go on without an event."""
        wanted_ms = self.multi.timeout()
        wanted = 1.0 if wanted_ms < 0 else wanted_ms / 1000
        return wanted if until is None else max(0.0, min(wanted, until - time.monotonic()))

    def handle_of(self, number):
        """A handle for one request of the order."""
        handle = self.plain_handle()
        if self.order.mode == "timeout":
            handle.setopt(pycurl.TIMEOUT_MS, self.order.timeout_ms)
        if self.order.framing != "none":
            self.add_body(handle)
        if self.order.method == "HEAD":
            handle.setopt(pycurl.NOBODY, True)
        elif self.order.method != "GET":
            handle.setopt(pycurl.CUSTOMREQUEST, self.order.method)
        return handle

    def plain_handle(self):
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, self.order.url)
        handle.setopt(pycurl.NOSIGNAL, True)
        if trusted := os.environ.get("SSL_CERT_FILE"):  # libcurl has no variable of its own
            handle.setopt(pycurl.CAINFO, trusted)
        handle.setopt(pycurl.WRITEFUNCTION, lambda data: None)  # None: all of it is taken
        return handle

    def add_body(self, handle):
        handle.setopt(pycurl.UPLOAD, True)
        handle.setopt(pycurl.HTTPHEADER, ["Expect:"])
        body = body_of(self.order)
        if self.order.framing == "length":
            handle.setopt(pycurl.INFILESIZE_LARGE, len(body))
            handle.setopt(pycurl.READFUNCTION, io.BytesIO(body).read)
        else:  # an upload of unknown size is sent chunked
            handle.setopt(pycurl.READFUNCTION, lambda size: next(body, b""))

    def check(self):
        handle = self.plain_handle()
        handle.setopt(pycurl.TIMEOUT_MS, round(HEALTH_TIMEOUT * 1000))
        self.multi.add_handle(handle)
        ended = self.perform([handle], None)
        self.multi.remove_handle(handle)
        if ended[handle] != "ok":
            raise pycurl.error(ended[handle])

    def close(self):
        for handle in self.kept:
            self.multi.remove_handle(handle)
            handle.close()
        self.kept.clear()
        self.multi.close()


def version():
    """Of pycurl, the first of the programs it names: "PycURL/7.45.2 libcurl/7.88.1 ..."."""
    return pycurl.version.split()[0].partition("/")[2]


PyCurl(read_order()).run()
