"""The programs that read an untrusted video, in processes of their own: these can be ended, and are watched.

``pictures``: a line of JSON with the pictures' size and what their times mean, or with the error; then for each picture
``HEAD`` and, if it is used, its pixels in YUV 4:2:0; at the end a ``HEAD`` whose kind is ``END`` and a line of JSON
with what the reader has to say. ``sound``: the file's audio as NUT, a format for pipes.
"""

import json
import math
import struct
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import av

from ..errors import VideoError
from ..video.container import open_video
from ..video.probe import VideoInfo, VideoLimits
from ..video.reader import VideoReader
from ..video.slots import Slots
from ..video.sound import SoundTrack
from ..video.writer import frames_of, is_copied, is_too_large, is_usable, layout_of
from .parent import end_with_parent
from .video_facts import info_of, limits_of

#: Before each picture: what follows, its time in seconds and in the stream's units, bytes of the file read by now.
HEAD: Final = struct.Struct(">cdqq")
PIXELS, NO_PIXELS, END = b"p", b"n", b"e"
#: The time of the first picture in what ``sound`` sends, in seconds: no time is negative there.
SOUND_START: Final = Fraction(1)
#: Its exit status when the sound is not whole.
DAMAGED: Final = 3


def main(part: str, path: str, facts: str) -> None:
    """part: "pictures" or "sound". facts: JSON, as ``video_facts`` writes it, and what ``send_pictures`` is told."""
    end_with_parent()
    told: dict[str, Any] = json.loads(facts)
    info, limits = info_of(told["info"]), limits_of(told["limits"])
    if part == "sound":
        sys.exit(send_sound(Path(path), info, limits, sys.stdout.buffer))
    else:
        send_pictures(Path(path), info, limits, told, sys.stdout.buffer)


def send_pictures(path: Path, info: VideoInfo, limits: VideoLimits, told: dict[str, Any], target: BinaryIO) -> None:
    """told: "max_side" of the pictures in pixels; "copy", whether all are used; else "rate", as ``Slots`` takes it."""
    try:
        reader = VideoReader(path, info, limits, told["max_side"])
    except VideoError as error:
        tell(target, error=str(error))
        return
    with reader:
        base, matrix = reader.time_base, int(reader.canvas.matrix)
        tell(target, width=reader.width, height=reader.height, time_base=str(base), matrix=matrix)
        slots = Slots(told["rate"])
        for picture in reader:
            used = slots.begin(picture.time_seconds) or told["copy"]
            kind = PIXELS if used else NO_PIXELS
            target.write(HEAD.pack(kind, picture.time_seconds, picture.pts, reader.bytes_read))
            if used:
                target.write(picture.i420().data)
        target.write(HEAD.pack(END, 0, 0, 0))
        tell(target, seconds=reader.seconds, notices=reader.notices())


def send_sound(path: Path, info: VideoInfo, limits: VideoLimits, target: BinaryIO) -> int:
    """The exit status: ``DAMAGED`` if some of it, or all, cannot be read. What MP4 does not hold is sent as PCM."""
    damaged = False
    with (
        SoundTrack(open_video(path), info.start, limits.max_packets, threading.Event()) as sound,
        av.open(target, "w", format="nut") as copy,
    ):
        if sound.stream is None or not is_usable(sound.stream):
            return DAMAGED
        context = sound.stream.codec_context
        if is_copied(context):
            same = copy.add_stream_from_template(sound.stream)
            for packet in sound.until(math.inf):
                if is_too_large(packet):
                    damaged = True
                elif packet.dts is not None and packet.pts is not None and packet.time_base:
                    late = round((SOUND_START - info.start) / packet.time_base)
                    packet.dts, packet.pts, packet.stream = packet.dts + late, packet.pts + late, same
                    copy.mux(packet)
            return DAMAGED * damaged
        pcm = copy.add_stream("pcm_s16le", rate=context.sample_rate, layout=layout_of(context))
        for packet in sound.until(math.inf):
            try:
                for frame in frames_of(packet):
                    if frame.pts is not None and frame.time_base is not None:
                        frame.pts += round((SOUND_START - info.start) / frame.time_base)
                    copy.mux(pcm.encode(frame))
            except (av.FFmpegError, ValueError):
                damaged = True
    return DAMAGED * damaged


def tell(target: BinaryIO, **what: Any) -> None:
    """Write a line of JSON."""
    target.write(json.dumps(what).encode() + b"\n")
    target.flush()
