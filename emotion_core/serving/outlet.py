"""What is still to be sent on a connection: kept once, however many read it, and given to asyncio piece by piece.

asyncio copies what the system does not take at once. Two thousand connections that asked for the page and read nothing
held it two thousand times: half a gigabyte. The system takes megabytes of each before anybody reads them: it is told
to take no more than a piece ahead of what is on its way.
"""

import asyncio
import socket
import time
from collections import deque
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl

from .unsent import Unsent

#: Bytes of an answer that asyncio may have copied at a time.
PIECE: Final = 32 * 1024
#: Bytes that are read at a time: of requests behind an unread answer, so many wait on each connection.
READ: Final = 16 * 1024


class Outlet(asyncio.Transport):
    """A transport that keeps what it is told to write, and writes it in pieces as they are taken.

    Its protocol calls ``go_on`` whenever asyncio has nothing more to send. flow: told to pause while more waits than
    the piece that is being sent, so an answer in one message is made, and its place free again, before it is read.
    """

    flow: FlowControl

    def __init__(self, transport: asyncio.Transport, unsent: Unsent) -> None:
        """unsent: of all outlets."""
        super().__init__()
        transport.set_write_buffer_limits(high=0)
        line = transport.get_extra_info("socket")
        if line is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, PIECE)
        if hasattr(transport, "max_size"):  # asyncio's own
            transport.max_size = READ
        self._transport = transport
        self._everyones, self._ends = unsent, False
        self.waiting: deque[memoryview] = deque()
        #: Whose it is, and the ``time.monotonic()`` at which something of it was read.
        self.address, self.read_at = "", time.monotonic()

    @property
    def unsent(self) -> bool:
        """Whether the system has not taken all of it yet."""
        return bool(self.waiting) or self._transport.get_write_buffer_size() > 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send it when all before it has been sent; whoever wrote it must not change it."""
        if not self.waiting and len(data) + self._transport.get_write_buffer_size() <= PIECE:
            self._transport.write(data)
        elif not self._transport.is_closing():
            self.waiting.append(memoryview(data))
            self._everyones.add(self, self.waiting[-1].obj)
            self.go_on()

    def go_on(self) -> None:
        """Write as many pieces as the system takes, and one more.

        Not for asyncio to call, as in the middle of its own work: it would close a connection twice that ends here.
        """
        while self.waiting and not self._transport.is_closing() and not self._transport.get_write_buffer_size():
            self.read_at = time.monotonic()
            first = self.waiting.popleft()
            if len(first) > PIECE:
                self.waiting.appendleft(first[PIECE:])
            else:
                self._everyones.remove(self, first.obj)
            self._transport.write(first[:PIECE])
        if self.waiting:
            self.flow.pause_writing()
            return
        self.flow.resume_writing()
        if self._ends:
            self._transport.close()

    def close(self) -> None:
        """Close it when all has been sent; nothing is read any more."""
        self._ends = True
        if self.waiting:
            self._transport.pause_reading()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close it at once."""
        self.lost()
        self._transport.abort()

    def lost(self) -> None:
        """It is closed: forget what is unsent."""
        while self.waiting:
            self._everyones.remove(self, self.waiting.pop().obj)

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._ends or self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read nothing, for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again, if it is not to be closed."""
        if not self._ends:
            self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As asyncio's transport tells."""
        return self._transport.get_extra_info(name, default)
