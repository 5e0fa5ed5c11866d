"""Limits on connections: how many there are, how long headers may take, how long an answer may go unread.

uvicorn waits forever for the first byte of a request and for its answers to be read, so a few thousand silent
connections take every file descriptor of the process. Here each has a timeout, and their number is limited. So is what
is parsed at a time, while everybody else waits: a quarter of a megabyte may come at once, and full of short headers, or
of chunks of one byte, it takes over half a second. And connections are parsed in turn, one in each pass of the event
loop: of fifty with many such chunks a pass took three seconds. A request behind an answer that has not been sent is not
begun: it would hold a place until somebody read it.
"""

import asyncio
import sys
from collections import Counter
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .addresses import counted_as
from .answer import LINE
from .outlet import Outlet
from .parser import PIECES_A_TURN, Parser
from .turns import Turns
from .unsent import Unsent

#: How long a request's headers may take to arrive, and how long a piece of an answer may go unread, in seconds.
HEADER_SECONDS: Final = 10.0
UNREAD_SECONDS: Final = 30.0
#: Connections at once: a visitor's page holds two or three.
MOST: Final = 2000
#: Connections per address, of IPv6 per /64 network. Behind a proxy all come from its address, so the proxy has to count
#: them.
EACH: Final = 200
#: File descriptors for everything else: libraries, decoders, and the files of all forms that may be there at once:
#: 24 of 32 pictures, 16 of 60 uploads.
_OTHER_FILES: Final = 256 + 24 * 32 + 16 * 60


class CarefulProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol with limits on connections; ``careful`` makes the class a server uses."""

    most: ClassVar[int] = MOST
    each: ClassVar[int] = EACH
    header_seconds: ClassVar[float] = HEADER_SECONDS
    unread_seconds: ClassVar[float] = UNREAD_SECONDS
    open: ClassVar[Counter[str]]
    turns: ClassVar[Turns]
    newcomers: ClassVar[Turns]
    unsent: ClassVar[Unsent]

    conn: Parser
    _peer = ""
    _waits = _blocked = _counted = _begins = False
    _outlet: Outlet
    _header_timer: asyncio.TimerHandle | None = None
    _reader_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept it, unless there are too many."""
        self._outlet = Outlet(transport, self.unsent)
        super().connection_made(self._outlet)
        self._outlet.flow = self.flow
        self.conn = Parser(self._outlet)
        self._peer = counted_as(self.client[0]) if self.client else ""
        self.belongs_to(self._peer)
        mine = self.open[self._peer]
        if mine >= self.each or (self.open.total() >= self.most and not self._end_one(mine + 1)):
            transport.abort()
            return
        self.open[self._peer] += 1
        self._counted = True
        self._expect_headers()

    def _end_one(self, most: int) -> bool:
        """If an address has more than so many, end one of the one that has the most, if it can be without a request."""
        [(busiest, count)] = self.open.most_common(1)
        theirs = [line for line in self.connections if isinstance(line, CarefulProtocol) and line._counts_for(busiest)]
        if count <= most or not theirs:
            return False
        one = next((line for line in theirs if line.cycle is None or line.cycle.response_complete), theirs[0])
        one._give_back()
        one.transport.abort()
        return True

    def end(self) -> None:
        """End it at once, with the request that it is at."""
        self.transport.abort()

    def belongs_to(self, address: str) -> None:
        """Whose turns it takes, and whose unread answers it has: the peer's, until its proxy has told better."""
        self._outlet.address = address

    def _counts_for(self, address: str) -> bool:
        return self._counted and self._peer == address

    def data_received(self, data: bytes) -> None:
        """Parse it. Whenever Gradio asks whether somebody is there, 20 times a second of a stream, uvicorn reads on."""
        self._begins = self.conn.their_state is h11.IDLE
        super().data_received(data)
        if self.conn.is_far_ahead:
            self.transport.abort()

    def handle_events(self) -> None:
        """Parse what has come when it is this address's turn; nothing more is read before that.

        Behind a proxy nobody knows whose a new request is, and it need not wait for those who are known: neither for
        whoever spoke on this connection before.
        """
        if not self.conn.has_more:
            self._parse()
        elif not self._waits:
            self._waits = True
            if self._begins:
                self.newcomers.call(self._peer, self._parse)
            else:
                self.turns.call(self._outlet.address, self._parse)
        if self._waits:
            self.transport.pause_reading()

    def _parse(self) -> bool:
        """Complete headers stop the header timer; incomplete ones start it, and the rest of a body that nobody reads.

        False if nobody is there any more.
        """
        self._waits = self._begins = False
        if self.transport.is_closing():
            return False
        self.conn.left, self.conn.unfinished = PIECES_A_TURN, False
        given = LINE.set(self)  # to the task that serves a request which begins here
        super().handle_events()
        LINE.reset(given)
        self._blocked = self.conn.blocked and self.conn.has_more
        if self._blocked or not self._says_nothing_yet():
            self._stop_header_timer()
        elif self.timeout_keep_alive_task is None:
            self._expect_headers()
        if self._blocked:
            self._unset_keepalive_if_required()  # it has something to say
            self.transport.pause_reading()
        elif self.conn.unfinished:
            self.handle_events()
        elif not self.flow.read_paused:
            self.transport.resume_reading()
        return True

    def _says_nothing_yet(self) -> bool:
        """Whether no request is there that is not answered: only a part of its headers, or the rest of the last one."""
        state, answered = self.conn.their_state, self.cycle is not None and self.cycle.response_complete
        return state is h11.IDLE or (state is h11.SEND_BODY and answered)

    def pause_writing(self) -> None:
        """The reader is slow: start its timer."""
        if self._reader_timer is None:
            self._reader_timer = self.loop.call_later(self.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read a piece: send the next, or begin the request that waits for that; not here (see ``go_on``)."""
        self._stop_reader_timer()
        self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._outlet.go_on()
        if self._blocked and not self._outlet.unsent:
            self.handle_events()

    def eof_received(self) -> bool:  # type: ignore[override]
        """It says nothing more, as who is gone: the connection ends when all that was made for it is sent."""
        self.transport.close()
        return self._outlet.unsent

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for since its last answer: it ends, but not while that is still being read."""
        if self._outlet.unsent:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            super().timeout_keep_alive_handler()

    def _should_upgrade(self) -> bool:
        """To nothing: uvicorn logs each wish."""
        return False

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed; if the answer has begun, which uvicorn does not expect, break it off.

        The application, which may have the beginning of that request, is told that nobody is there any more.
        """
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._stop_header_timer()
        self._stop_reader_timer()
        self._give_back()
        self._outlet.lost()
        super().connection_lost(exc)
        self.conn.forget()

    def _give_back(self) -> None:
        if self._counted:
            self.open[self._peer] -= 1
            if not self.open[self._peer]:
                del self.open[self._peer]
            self._counted = False

    def _expect_headers(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_reader_timer(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None


def careful(behind_proxies: bool = False, **limits: Any) -> type[CarefulProtocol]:
    """The protocol for one server, with its own count. limits: values that override the class's."""
    limits = {"each": limits.get("most", MOST)} | limits if behind_proxies else limits
    return type(
        "CountedProtocol",
        (CarefulProtocol,),
        {"open": Counter(), "turns": Turns(), "newcomers": Turns(), "unsent": Unsent(), **limits},
    )


def allow_files(most: int = MOST) -> int:
    """Raise the process's open-file limit as far as ``most`` connections need; returns how many then fit."""
    if sys.platform == "win32":
        return most
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return most if soft == resource.RLIM_INFINITY else min(most, max(soft - _OTHER_FILES, 16))
