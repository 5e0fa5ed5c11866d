"""What is still to be sent on a connection: kept once, however many read it, and given to asyncio piece by piece.

asyncio copies what the system does not take at once. Two thousand connections that asked for the page and read nothing
held it two thousand times: half a gigabyte. The system takes megabytes of each before anybody reads them: it is told
to take no more than a piece ahead of what is on its way.
"""

import asyncio
import socket
from collections import deque
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl

#: Bytes of an answer that asyncio may have copied at a time.
PIECE: Final = 32 * 1024


class Outlet(asyncio.Transport):
    """A transport that keeps what it is told to write, and writes it in pieces as they are taken.

    Its protocol calls ``go_on`` whenever asyncio has nothing more to send. flow: told to pause while more waits than
    the piece that is being sent, so an answer in one message is made, and its place free again, before it is read.
    """

    flow: FlowControl

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        transport.set_write_buffer_limits(high=0)
        line = transport.get_extra_info("socket")
        if line is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, PIECE)
        self._transport = transport
        self._waiting: deque[memoryview] = deque()
        self._ends = False

    @property
    def unsent(self) -> bool:
        """Whether the system has not taken all of it yet."""
        return bool(self._waiting) or self._transport.get_write_buffer_size() > 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send it when all before it has been sent; whoever wrote it must not change it."""
        if not self._waiting and len(data) + self._transport.get_write_buffer_size() <= PIECE:
            self._transport.write(data)
        elif not self._transport.is_closing():
            self._waiting.append(memoryview(data))
            self.go_on()

    def go_on(self) -> None:
        """Write as many pieces as the system takes, and one more."""
        while self._waiting and not self._transport.is_closing() and not self._transport.get_write_buffer_size():
            first = self._waiting.popleft()
            if len(first) > PIECE:
                self._waiting.appendleft(first[PIECE:])
            self._transport.write(first[:PIECE])
        if self._waiting:
            self.flow.pause_writing()
            return
        self.flow.resume_writing()
        if self._ends:  # not here: asyncio, which calls this in the middle of its own work, would close it twice
            asyncio.get_running_loop().call_soon(self._transport.close)

    def close(self) -> None:
        """Close it when all has been sent; nothing is read any more."""
        self._ends = True
        if self._waiting:
            self._transport.pause_reading()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close it at once."""
        self.lost()
        self._transport.abort()

    def lost(self) -> None:
        """It is closed: forget what is unsent."""
        self._waiting.clear()

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
