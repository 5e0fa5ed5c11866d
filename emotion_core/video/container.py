"""Opens video files and selects their tracks."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, Protocol

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from ..errors import VideoError

#: The allowed formats: video containers only. FFmpeg also opens playlists, which refer to other
#: files and addresses that an uploaded file must never make the server read.
FORMATS: Final = "mov,mp4,matroska,webm,avi,mpegts,mpeg,ogg,flv,asf,3gp,gif,mxf,nut,ivf,h264,hevc,m4v,mjpeg,dv,wtv"
#: Their file name endings, for when only names can be checked: among millions of files, and in file dialogs.
ENDINGS: Final = (
    frozenset((".mp4", ".m4v", ".mov", ".qt", ".webm", ".mkv", ".avi", ".divx", ".mpg", ".mpeg", ".mpe", ".m1v"))
    | {".m2v", ".vob", ".ogv", ".ogm", ".flv", ".f4v", ".wmv", ".asf", ".ts", ".mts", ".m2ts", ".3gp", ".3g2"}
    | {".mxf", ".nut", ".ivf", ".h264", ".264", ".hevc", ".265", ".mjpeg", ".mjpg", ".dv", ".wtv"}
)
HELP: Final = "Use an MP4, WebM, MOV, MKV or AVI video."
#: The allowed codecs, by FFmpeg's names: what cameras, phones, browsers and editors write. It has ten times as many,
#: among them pictures whose single packet unpacks to gigabytes (PNG's texts) or draws without end, and FFV1, of which
#: 0.4 MB took three gigabytes: it keeps its state for each of as many slices as a picture tells of, in each thread.
CODECS: Final = frozenset(
    (
        *("av1", "h264", "hevc", "vp8", "vp9", "vvc", "mpeg1video", "mpeg2video", "mpeg4", "h263", "theora", "vc1"),
        *("msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "flv1", "vp6", "vp6a", "vp6f", "svq1", "svq3"),
        *("mjpeg", "mjpegb", "dvvideo", "prores", "dnxhd", "cfhd", "gif", "rawvideo", "v210"),
        *("ffvhuff", "huffyuv", "utvideo", "magicyuv", "qtrle"),
    )
)
#: The same for sound; PCM in all its forms besides.
SOUNDS: Final = frozenset(
    (
        *("aac", "aac_latm", "ac3", "alac", "amr_nb", "amr_wb", "dts", "eac3", "flac", "mlp", "mp1", "mp2", "mp3"),
        *("nellymoser", "opus", "speex", "truehd", "vorbis", "wmapro", "wmav1", "wmav2"),
        *("adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf"),
    )
)


class Readable(Protocol):
    """What is read from its start to its end."""

    def read(self, size: int) -> bytes:
        """At most so many bytes, b"" at the end."""


def open_video(path: Path) -> InputContainer:
    """Open a local file, but nothing that it refers to; VideoError if it is not a video."""
    try:
        # The prefix keeps FFmpeg from taking part of a file name for a protocol.
        return av.open(f"file:{path.absolute()}", "r", options=dict(_options()), metadata_errors="replace")
    except av.FFmpegError as error:
        raise VideoError(
            f"This is not a video that can be read, or its end is missing (an MP4 keeps its index there). {HELP}"
        ) from error


def open_sent(file: Readable) -> InputContainer:
    """Open NUT, as it comes, by the same decoders; av.FFmpegError if it is none."""
    return av.open(file, "r", format="nut", options=dict(_options()))


@cache
def _options() -> dict[str, str]:
    """What FFmpeg may use: it decodes the first frames of every track as it opens a file."""
    decoders = [name for name in av.codecs_available if _is_decoder(name)]
    return {"format_whitelist": FORMATS, "protocol_whitelist": "file", "codec_whitelist": ",".join(decoders)}


def _is_decoder(name: str) -> bool:
    with suppress(ValueError):  # it only encodes
        return _is_allowed(av.Codec(name, "r").canonical_name)
    return False


def _is_allowed(codec: str) -> bool:
    return codec in CODECS or codec in SOUNDS or codec.startswith("pcm_")


def video_stream(container: InputContainer) -> VideoStream:
    """The video track, the default one if there are several; VideoError if none can be decoded."""
    # Skip cover art, and the thumbnails for a player's seek bar.
    stills = Disposition.attached_pic | Disposition.timed_thumbnails
    films = [stream for stream in container.streams.video if not stream.disposition & stills]
    if not films:
        raise VideoError(f"The file has no video, only sound or data. {HELP}")
    known = [stream for stream in films if is_known(stream)]
    if not known:
        raise VideoError(f"The video's codec is not one that is decoded here. {HELP}")
    return max(known, key=lambda stream: bool(stream.disposition & Disposition.default))  # ties: the first


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The audio track, of several one that can be decoded, and of these the default one; None if there is none."""

    def rank(stream: AudioStream) -> tuple[bool, bool]:
        return is_known(stream), bool(stream.disposition & Disposition.default)

    return max(container.streams.audio, key=rank, default=None)


def is_known(stream: VideoStream | AudioStream) -> bool:
    """Whether the track's codec is an allowed one."""
    return stream.codec_context is not None and _is_allowed(stream.codec_context.codec.canonical_name)


def pass_over_others(container: InputContainer, *wanted: VideoStream | AudioStream | None) -> None:
    """Skip reading packets of all other tracks, if the format allows."""
    for stream in container.streams:
        if stream not in wanted:
            stream.discard = Discard.all


def bound_pixels(stream: VideoStream, shown: int) -> None:
    """Have FFmpeg decode no frame that shows many more pixels, whatever the header says: call it before it decodes.

    It counts what fills up a codec's blocks, too: in CineForm a sixth.
    """
    stream.codec_context.options = {"max_pixels": str(shown + shown // 4)}
