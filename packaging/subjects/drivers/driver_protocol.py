"""The driver protocol: what every Python driver of this folder says and listens to.

A driver holds one HTTP client, issues requests with it when told to, survives what happens to them,
and says on standard output what its caller was told. ../README.md describes the lines. This module
knows no HTTP client; each driver adds its own in a few lines, written as a user would write them.
"""
import argparse
import asyncio
import gc
import os
import queue
import signal
import sys
import threading
import time

HEALTH_TIMEOUT = 5.0  # seconds
PIECE_BYTES = 16 * 1024


def say(*words):
    """One line of the protocol."""
    print(*words, flush=True)


def read_order():
    """What to do, from the command line that the recipe filled in."""
    parser = argparse.ArgumentParser()
    for name in ("url", "method", "mode"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--framing", choices=("none", "length", "chunked"), required=True)
    for name in ("body-bytes", "timeout-ms", "requests"):
        parser.add_argument(f"--{name}", type=int, required=True)
    order = parser.parse_args()
    order.timeout = order.timeout_ms / 1000
    return order


def pieces(count):
    """The body, piece by piece: a generator is what makes Python's clients send it chunked."""
    while count > 0:
        yield b"f" * min(PIECE_BYTES, count)
        count -= PIECE_BYTES


async def pieces_async(count):
    """The same for clients of asyncio."""
    for piece in pieces(count):
        yield piece


def body_of(order, generator=pieces):
    """None, bytes (sent with a length), or a generator (sent chunked)."""
    if order.framing == "none":
        return None
    if order.framing == "length":
        return b"f" * order.body_bytes
    return generator(order.body_bytes)


def read_commands(deliver):
    """Hands each line of standard input to `deliver`, from a thread, so that its end and `exit`
    are heard at once, also while a request blocks."""

    def read():
        # Signals belong to the main thread: it is the one whose blocking call must be interrupted.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        pending = b""
        # Not sys.stdin: its lock, held by a daemon thread, would abort an interpreter that ends.
        while data := os.read(0, 4096):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                command = line.decode(errors="replace").strip()
                if command == "exit":
                    os._exit(0)
                deliver(command)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()


class Driver:
    """A driver of a blocking client. A subclass gives `send`, `check` and `close`."""

    def __init__(self, version, order):
        self.version = version
        self.order = order
        self.kept = []  # what this program refers to after a request: responses, exceptions
        self.caught = Exception  # what this program catches; KeyboardInterrupt is none of it
        self.keeps_errors = False

    def send(self, number):
        """One request with its response; raises what the client raises."""
        raise NotImplementedError

    def check(self):
        """One plain GET with the same client, and its response."""
        raise NotImplementedError

    def close(self):
        """Closes the client."""
        raise NotImplementedError

    def run(self):
        """Obeys commands until `exit` or the end of standard input."""
        commands = queue.SimpleQueue()
        read_commands(commands.put)
        say("READY", self.version)
        actions = {
            "start": self.start,
            "health": lambda: say("HEALTH", self.outcome_of(self.check)),
            "gc": lambda: self.and_hold(gc.collect),
            "drop": lambda: self.and_hold(self.kept.clear),
            "close": lambda: self.and_hold(self.close),
        }
        while True:
            action = actions.get(commands.get())
            if action:
                action()

    def start(self):
        """All requests: one in the main thread, where signals interrupt it, several at once."""
        for result in self.results():
            say("RESULT", result)
        say("HOLD")

    def results(self):
        """Issues the requests; what became of each."""
        count = self.order.requests
        if count == 1:
            return [self.outcome_of(self.send, 0)]
        found = [None] * count

        def one(number):
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            found[number] = self.outcome_of(self.send, number)

        threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def outcome_of(self, function, *arguments):
        """`ok`, or the name of the exception; only here is an exception kept."""
        try:
            function(*arguments)
        except self.caught as error:
            if self.keeps_errors:
                self.kept.append(error)
            return type(error).__name__
        return "ok"

    @staticmethod
    def and_hold(action):
        """A command that changes what is open; HOLD says that it is done."""
        action()
        say("HOLD")


class InterruptibleDriver(Driver):
    """What a program does with an interrupt or a timeout, as modes of their own.

    uncaught         SIGINT raises KeyboardInterrupt, nobody catches it, the process dies of it
    caught           it is caught, the exception is dropped
    kept             it is caught, and the exception is kept in a list
    systemexit       a handler of SIGINT raises SystemExit; it is caught and dropped
    systemexit_kept  ... and kept
    timeout          the client's own timeout; its exception is dropped
    timeout_kept     ... and kept
    twenty           the requests succeed, one after the other
    stream_*         the response is not read, see the driver

    The first five set no timeout: only the interrupt ends the request.
    """

    def __init__(self, version, order):
        super().__init__(version, order)
        mode = order.mode
        self.keeps_errors = mode in ("kept", "systemexit_kept", "timeout_kept")
        if mode in ("caught", "kept", "systemexit", "systemexit_kept"):
            self.caught = BaseException
        if mode in ("systemexit", "systemexit_kept"):
            signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        interrupted = self.caught is BaseException or mode == "uncaught"
        self.timeout = None if interrupted else order.timeout
        self.streams = mode.startswith("stream_")

    def results(self):
        if self.order.mode != "twenty":
            return super().results()
        return [self.outcome_of(self.send, number) for number in range(self.order.requests)]


class AsyncDriver:
    """A driver of a client of asyncio. A subclass gives `open`, `send`, `check` and `close`.

    In mode `cancel` the tasks are cancelled by the command `cancel`, or else after the timeout.
    """

    def __init__(self, version, order):
        self.version = version
        self.order = order
        self.kept = []
        self.tasks = []
        self.cancelled_at = None  # time.monotonic()

    async def open(self):
        """Makes the client."""
        raise NotImplementedError

    async def send(self, number):
        """One request with its response; raises what the client raises."""
        raise NotImplementedError

    async def check(self):
        """One plain GET with the same client, and its response."""
        raise NotImplementedError

    async def close(self):
        """Closes the client."""
        raise NotImplementedError

    def run(self):
        """Obeys commands until `exit` or the end of standard input."""
        asyncio.run(self.obey())

    async def obey(self):
        """Also while requests are under way: they are tasks of their own."""
        commands = asyncio.Queue()
        loop = asyncio.get_running_loop()
        read_commands(lambda line: loop.call_soon_threadsafe(commands.put_nowait, line))
        await self.open()
        say("READY", self.version)
        while True:
            command = await commands.get()
            if command == "start":
                starting = asyncio.create_task(self.start())
                starting.add_done_callback(lambda task: task.cancelled() or task.result())
            elif command == "cancel" and self.order.mode == "cancel":
                self.cancel()
            elif command == "health":
                say("HEALTH", await self.outcome_of(self.check()))
            elif command in ("gc", "drop", "close"):
                await self.let_go(command)
                say("HOLD")

    async def start(self):
        """All requests at once."""
        self.tasks = [
            asyncio.create_task(self.outcome_of(self.send(number)))
            for number in range(self.order.requests)
        ]
        if self.order.mode == "cancel":
            await asyncio.wait(self.tasks, timeout=self.order.timeout)
            self.cancel()
        results = await asyncio.gather(*self.tasks)
        self.tasks = []
        for result in results:
            say("RESULT", result)
        if self.cancelled_at is not None:
            took_ms = round((time.monotonic() - self.cancelled_at) * 1000)
            say("CANCELLED", next(result for result in results if result != "ok"), took_ms)
        say("HOLD")

    def cancel(self):
        """task.cancel() of every request that has not ended."""
        running = [task for task in self.tasks if not task.done()]
        for task in running:
            task.cancel()
        if running and self.cancelled_at is None:
            self.cancelled_at = time.monotonic()

    async def let_go(self, command):
        if command == "gc":
            gc.collect()
        elif command == "drop":
            self.kept.clear()
        else:
            await self.close()

    @staticmethod
    async def outcome_of(work):
        """`ok`, or the name of the exception, which nothing keeps."""
        try:
            await work
        except (Exception, asyncio.CancelledError) as error:
            return type(error).__name__
        return "ok"
