"""Frames and audio -> an MP4 that browsers can play: H.264, yuv420p, index at the start."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import cv2
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from ..images import RGB
from .container import is_known
from .picture import I420, tag_of
from .sound import SoundTrack

#: 0.6 times the work of plain "superfast" with adaptive B-frames, smaller files, 0.8 dB below its 46: the macroblock
#: tree is what shrinks files, and it only needs a short lookahead.
X264: Final = {"preset": "superfast", "crf": "21", "x264-params": "mbtree=1:rc-lookahead=5:b-adapt=0:subme=0"}
#: Audio codecs that both MP4 and browsers support are copied. Anything else is converted to AAC.
COPIED_SOUND: Final = ("aac", "mp3", "opus", "flac")
_AAC_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
#: Of sound that is converted: samples a second at least, as 37 kB of ten a second became two gigabytes at 48,000; and
#: seconds of a packet at most, which is converted as a whole.
_LEAST_RATE: Final = 5_000
_MOST_SECONDS: Final = 5
#: Seconds of it beyond those of the pictures: each takes time, and five of them fifty bytes of a file.
_MOST_BEYOND: Final = 60
#: Bytes of a packet of sound at most. Of FLAC, 16,384 samples of six channels of 24 bits have 300,000. AAC, MP3 and
#: Opus need far fewer than their limit: 13,000 are 120 ms of Opus in ten streams.
_MOST_BYTES: Final = 1_000_000
_MOST_LOSSY_BYTES: Final = 64_000
#: Samples of a packet of ALAC at most: 4,096 are usual, and seven kB may be sixteen million of each channel.
_MOST_ALAC: Final = 65_536


class VideoWriter:
    """Writes one MP4; a context manager.

    width, height: even. time_base: unit of frame times. rate: average frames per second, a hint to
    the encoder. matrix: of the incoming YUV. sound: written as far as the pictures go.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        time_base: Fraction,
        rate: Fraction,
        matrix: Colorspace = Colorspace.ITU601,
        sound: SoundTrack | None = None,
    ) -> None:
        self._path = path
        # What is written is in the order of time already: else all sound waits in memory for the next picture, of
        # which the encoder keeps some.
        options = {"movflags": "+faststart", "max_interleave_delta": "1"}
        self._container = av.open(path, "w", format="mp4", options=options)
        # Rates of 1,000 frames per second, as some files claim, would need an H.264 level that no player supports.
        hint = Fraction(min(max(float(rate), 1.0), 120.0)).limit_denominator(1001)
        self._video = self._container.add_stream("libx264", rate=hint, options=X264, width=width, height=height)
        self._video.thread_type = "AUTO"
        self._video.codec_context.time_base = time_base
        self._video.color_range = ColorRange.MPEG
        self._video.colorspace = tag_of(matrix)
        self._video.color_primaries = ColorPrimaries.BT709
        self._video.color_trc = ColorTrc.BT709
        self._time_base = time_base
        self._frame_seconds = 1 / float(hint)
        self._seconds = 0.0
        #: Of the pictures and the sound that are written.
        self.bytes = 0
        #: With more bytes it is given up, and its file deleted.
        self.most_bytes = sys.maxsize
        self.given_up = False
        self._sound = sound
        self._copy: AudioStream | None = None
        self._aac: AudioStream | None = None
        self._last_dts: int | None = None
        self._converted = 0.0
        self._sound_damaged = False
        if sound is not None and sound.stream is not None:
            self._add_sound(sound.stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        try:
            self._container.close()
        except av.FFmpegError:
            if kind is None:  # an aborted file is deleted anyway
                raise

    def write(self, rgb: RGB, pts: int) -> None:
        """Add a frame, RGB uint8 (height, width, 3), at ``pts`` time units, later than the last one."""
        # OpenCV's conversion (BT.601) is ten times as fast as FFmpeg's scaler.
        self.write_i420(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8), pts)

    def write_i420(self, pixels: I420, pts: int) -> None:
        """Add a frame in YUV 4:2:0, uint8 (height * 3 / 2, width); it must not be modified afterwards."""
        frame = av.VideoFrame.from_numpy_buffer(pixels, format="yuv420p")
        frame.pts, frame.time_base = pts, self._time_base
        self._seconds = float(pts * self._time_base)
        if not self.given_up:
            self._write_pictures(self._video.encode(frame))

    @property
    def has_sound(self) -> bool:
        """Whether the copy will have the source's audio."""
        return not self.given_up and (self._copy is not None or self._aac is not None)

    def _write_pictures(self, packets: "Sequence[av.Packet[VideoStream]]") -> None:
        """Write encoded pictures, each followed by the sound until then."""
        for packet in packets:
            seconds = float((packet.dts or 0) * (packet.time_base or 0))
            self._mux(packet)
            self._write_sound(seconds)

    def _write_sound(self, until: float) -> None:
        if self._sound is not None and self.has_sound:
            for packet in self._sound.until(until):
                self._add(packet, self._sound.start)
                if self.given_up:
                    return

    def _mux(self, packet: "av.Packet[VideoStream] | av.Packet[AudioStream]") -> None:
        if self.given_up:
            return
        self.bytes += packet.size
        if self.bytes > self.most_bytes:
            self._give_up()
        else:
            self._container.mux(packet)

    def _give_up(self) -> None:
        self.given_up = True
        self._path.unlink(missing_ok=True)
        with suppress(av.FFmpegError):  # its index cannot be moved to the start any more
            self._container.close()

    def _add(self, packet: "av.Packet[AudioStream]", start: Fraction) -> None:
        """Add an audio packet. A damaged one is dropped, which ``notices`` reports."""
        try:
            if self._copy is not None:
                self._copy_sound(packet, self._copy, start)
            elif self._aac is not None:
                for frame in frames_of(packet):
                    self._converted += frame.samples / frame.sample_rate
                    if self._converted > self._seconds + _MOST_BEYOND:
                        raise ValueError(self._converted)
                    if frame.pts is not None and frame.time_base is not None:
                        frame.pts -= round(start / frame.time_base)
                    for encoded in self._aac.encode(frame):
                        self._mux(encoded)
        except (av.FFmpegError, ValueError):
            self._sound_damaged = True

    def finish(self) -> None:
        """Write the last picture's audio and flush the encoders."""
        if not self.given_up:
            self._write_pictures(self._video.encode(None))
        self._write_sound(self._seconds + self._frame_seconds)
        if self._aac is not None and not self.given_up:
            with suppress(av.FFmpegError, ValueError):
                for packet in self._aac.encode(None):
                    self._mux(packet)

    def notices(self) -> tuple[str, ...]:
        """What the user should know about the copy."""
        if self.given_up:
            room = f"{self.most_bytes / 1e6:.0f} MB"
            return (f"There is no annotated video: it takes more than the {room} that there is room for.",)
        damaged = self._sound_damaged or (self._sound is not None and self._sound.is_damaged())
        return ("Some or all of the sound could not be read and is missing.",) if damaged else ()

    def _add_sound(self, sound: AudioStream) -> None:
        context = sound.codec_context
        if not is_usable(sound):
            self._sound_damaged = True
        elif is_copied(context):
            self._copy = self._container.add_stream_from_template(sound)
        else:
            rate = context.sample_rate if context.sample_rate in _AAC_RATES else 48000
            self._aac = self._container.add_stream("aac", rate=rate, layout=layout_of(context))

    def _copy_sound(self, packet: "av.Packet[AudioStream]", stream: AudioStream, start: Fraction) -> None:
        if packet.dts is None or packet.pts is None or packet.time_base is None:
            return
        if is_too_large(packet):
            raise ValueError(packet.size)
        offset = round(start / packet.time_base)
        packet.dts, packet.pts = packet.dts - offset, packet.pts - offset
        if self._last_dts is None or packet.dts > self._last_dts:  # MP4 requires increasing decoding times
            self._last_dts = packet.dts
            packet.stream = stream
            self._mux(packet)


def is_usable(sound: AudioStream) -> bool:
    """Whether an audio track can be copied or converted."""
    context = sound.codec_context
    # A track that begins late tells no rate as the file is opened.
    return is_known(sound) and bool(context.sample_rate) and not _is_too_long(context)


def is_copied(context: AudioCodecContext) -> bool:
    """Whether audio is copied as it is, not converted."""
    return context.name.removesuffix("float") in COPIED_SOUND


def layout_of(context: AudioCodecContext) -> str:
    """The channels of converted audio, as FFmpeg names them."""
    return "mono" if context.channels == 1 else "stereo"


def is_too_large(packet: "av.Packet[AudioStream]") -> bool:
    """Whether a packet of audio has more bytes than any honest one: eight MB of zeros are eight kB of a file."""
    context = packet.stream.codec_context
    lossy = is_copied(context) and context.name != "flac"
    return packet.size > (_MOST_LOSSY_BYTES if lossy else _MOST_BYTES)


def frames_of(packet: "av.Packet[AudioStream]") -> Iterator[AudioFrame]:
    """The frames of a packet of audio that is converted; ValueError for one that is, or becomes, too much."""
    if is_too_large(packet):
        raise ValueError(packet.size)
    for frame in packet.decode():
        if frame.sample_rate < _LEAST_RATE or frame.samples > _MOST_SECONDS * frame.sample_rate:
            raise ValueError(frame.samples)
        yield frame


def _is_too_long(context: AudioCodecContext) -> bool:
    """Whether a packet of ALAC may unpack to far more than is usual, as its decoder's settings say."""
    return context.name == "alac" and int.from_bytes((context.extradata or b"")[12:16]) > _MOST_ALAC
