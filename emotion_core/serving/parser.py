"""h11's parser with limits on what is parsed at a time: everybody else waits meanwhile."""

import re
from typing import Final

import h11
from h11._receivebuffer import ReceiveBuffer

from .outlet import READ, Outlet

#: Bytes of a request's line and headers, and how many lines there may be.
MOST_HEADER_BYTES: Final = 64 * 1024
MOST_HEADERS: Final = 200
#: Bytes that may come behind a request while it is answered: more than is read at a time, which is all that most see.
MOST_AHEAD: Final = 2 * READ
#: Pieces in which a body may come: so many, and one more for each so many of its bytes.
FREE_PIECES: Final = 1000
BYTES_A_PIECE: Final = 64
#: Pieces that are parsed in one turn: three milliseconds.
PIECES_A_TURN: Final = 200
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class _Buffer(ReceiveBuffer):
    """What has arrived and is not parsed yet; refuses too many or too long headers before they are parsed."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines of headers or trailers once they are complete; RemoteProtocolError when they are over a limit."""
        end = _BLANK_LINE.search(self._data, 0, MOST_HEADER_BYTES)
        if self._data.count(b"\n", 0, end.end() if end else MOST_HEADER_BYTES) > MOST_HEADERS:
            raise h11.RemoteProtocolError("Too many headers", error_status_hint=431)
        if end is None and len(self._data) >= MOST_HEADER_BYTES:
            raise h11.RemoteProtocolError("Too long headers", error_status_hint=431)
        return super().maybe_extract_lines()


class Parser(h11.Connection):
    """h11's parser, which also refuses a body in too many pieces: each takes as long as kilobytes in one."""

    def __init__(self, outlet: Outlet) -> None:
        super().__init__(h11.SERVER, MOST_HEADER_BYTES)
        self._outlet = outlet
        self._receive_buffer = _Buffer()
        self._pieces = self._bytes = 0
        #: Pieces left of this turn, and whether it ended before all was parsed.
        self.left, self.unfinished = PIECES_A_TURN, False

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """As in h11; RemoteProtocolError when a limit is passed. Nothing more has come if blocked, or a turn ends."""
        if self.blocked:
            return h11.NEED_DATA
        if not self.left:
            self.unfinished = True
            return h11.NEED_DATA
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            self.left -= 1
            self._bytes += len(event.data)
            if self._pieces > FREE_PIECES + self._bytes // BYTES_A_PIECE:
                raise h11.RemoteProtocolError("A body in too many pieces")
        return event

    @property
    def has_more(self) -> bool:
        """Whether something has come that is not parsed yet."""
        return len(self._receive_buffer) > 0

    @property
    def is_far_ahead(self) -> bool:
        """Whether too much has come behind the request that is being answered."""
        return self.their_state is h11.DONE and len(self._receive_buffer) > MOST_AHEAD

    def forget(self) -> None:
        """The connection is closed: what has come is of no use any more."""
        self._receive_buffer = _Buffer()

    @property
    def blocked(self) -> bool:
        """Whether the next request has to wait until the answer before it has been sent."""
        return self.their_state is h11.IDLE and self._outlet.unsent
