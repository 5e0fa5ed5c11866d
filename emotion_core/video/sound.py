"""A video's audio, read alongside its pictures and never further than they have got."""

import threading
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from .container import pass_over_others, sound_stream
from .packets import packets_of

#: Audio earlier than this before the first picture is dropped, in seconds; encoders start a little early.
_EARLY: float = 0.1


class SoundTrack:
    """The packets of a video's audio, in order; a context manager. ``stream`` is None without audio.

    container: of the file, which this closes; None without audio. start: timestamp of the first picture, in seconds.
    max_packets: how many are read at most. stop: once set, no more packets are read.
    """

    def __init__(
        self, container: InputContainer | None, start: Fraction, max_packets: int, stop: threading.Event
    ) -> None:
        self._container = container
        self.stream = None if container is None else sound_stream(container)
        self.start = start
        self._left = max_packets
        self._stop = stop
        self._packets = self._read()
        self._next: av.Packet[AudioStream] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._container is not None:
            self._container.close()

    def is_damaged(self) -> bool:
        """Whether some of what was wanted is missing, as far as is known here."""
        return False

    def until(self, seconds: float) -> "Iterator[av.Packet[AudioStream]]":
        """The next packets, up to a time since the first picture."""
        while True:
            packet = self._next or next(self._packets, None)
            if packet is None:
                return
            self._next = packet if self._seconds(packet) >= seconds else None
            if self._next is not None:
                return
            yield packet

    def _read(self) -> "Iterator[av.Packet[AudioStream]]":
        if self._container is None or self.stream is None:
            return
        pass_over_others(self._container, self.stream)
        try:
            for packet in packets_of(self._container, self.stream):
                self._left -= 1
                if self._left < 0 or self._stop.is_set():
                    return
                if packet.dts is not None and self._seconds(packet) > -_EARLY:
                    yield packet
        except av.FFmpegError:  # the rest of the file is unreadable, which the picture reader reports
            return

    def _seconds(self, packet: "av.Packet[AudioStream]") -> float:
        return float(cast("int", packet.dts) * (packet.time_base or 0) - self.start)
