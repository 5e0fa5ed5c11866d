"""Decoder processes: killed when they take too long, replaced when they die."""

import contextlib
import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from emotion_core import ImageError
from emotion_core.errors import BusyError
from emotion_core.images import RGB, load_image
from emotion_core.serving.decoder_process import SlowPictureError
from emotion_core.serving.decoding import Decoders
from emotion_core.serving.fork_server import ForkServer
from support.hostile_pictures import large_canvas, large_frame, large_tiles, lying, many_scans, saved, slow_notes
from support.waiting import until


@pytest.fixture
def programs() -> Iterator[ForkServer]:
    made = ForkServer("decoder")
    yield made
    made.close()
    assert fork_servers() == []


@pytest.fixture
def decoders(programs: ForkServer) -> Iterator[Decoders]:
    made = Decoders(programs, decode_seconds=2)
    yield made
    made.close()
    until(lambda: children() == [])


def fork_servers() -> list[psutil.Process]:
    running = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in running if "serving.fork_server" in " ".join(child.cmdline())]


def children() -> list[psutil.Process]:
    """The decoders."""
    return [child for program in fork_servers() for child in program.children()]


#: Tables, buffers and libraries that a format loads, in bytes.
MARGIN = 8_000_000


def most_memory(process: psutil.Process) -> int:
    """The most that it held so far, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


class TestDecoders:
    def test_the_same_pixels_as_here(self, decoders: Decoders, astronaut: RGB, tmp_path: Path) -> None:
        photo = Image.fromarray(astronaut)
        transparent = photo.convert("RGBA")
        transparent.putalpha(100)
        for data in (
            saved(photo, "JPEG"),
            saved(transparent, "PNG"),
            saved(photo.rotate(90), "WEBP"),
            saved(photo, "AVIF"),
        ):
            path = tmp_path / "photo"
            path.write_bytes(data)
            for source in (data, path, str(path), io.BytesIO(data)):
                assert np.array_equal(decoders.decode(source), load_image(data))
        assert len(children()) == 1

    @pytest.mark.parametrize("bad", [b"", b"junk", many_scans(400), large_tiles(100, 45_056), many_scans(9)[:1000]])
    def test_the_same_refusals_as_here(self, decoders: Decoders, bad: bytes) -> None:
        with pytest.raises(ImageError) as here:
            load_image(bad)
        for _ in range(2):
            with pytest.raises(ImageError) as there:
                decoders.decode(bad)
            assert str(there.value) == str(here.value)
            assert vars(there.value) == vars(here.value)  # including a limit

    def test_what_takes_too_long_is_ended(self, decoders: Decoders, astronaut: RGB, monkeypatch: Any) -> None:
        """When a decoder hangs, its picture is refused, and the next one gets another process."""
        photo = saved(Image.fromarray(astronaut), "JPEG")
        decoders.decode(photo)
        [child] = children()
        monkeypatch.setattr("emotion_core.serving.decoder_process.OPEN_SECONDS", 0.5)
        child.suspend()
        start = time.monotonic()
        with pytest.raises(ImageError, match="takes too long"):
            decoders.decode(photo)
        assert time.monotonic() - start < 10
        monkeypatch.undo()
        assert decoders.decode(photo).shape == astronaut.shape
        until(lambda: child not in children())

    def test_in_a_hurry_a_small_picture_has_little_time(self, programs: ForkServer, astronaut: RGB) -> None:
        """Profiles of a picture of 64x64 pixels took eight seconds of a place for light pictures."""
        hurried = Decoders(programs, hurried=True)
        assert np.array_equal(hurried.decode(saved(Image.fromarray(astronaut), "PNG")), astronaut)
        [child] = children()
        assert hurried.measure(slow_notes(2_000)).work < 10_000
        with pytest.raises(SlowPictureError, match="takes too long"):
            hurried.decode(slow_notes(2_000))
        until(lambda: child not in children())  # it was ended
        assert hurried.decode(saved(Image.fromarray(astronaut), "AVIF")).shape == astronaut.shape
        hurried.close()

    def test_a_decoder_that_dies_is_replaced(self, decoders: Decoders, astronaut: RGB) -> None:
        photo = saved(Image.fromarray(astronaut), "JPEG")
        for _ in range(2):
            assert decoders.decode(photo).shape == astronaut.shape
            [child] = children()
            os.kill(child.pid, signal.SIGKILL)
            until(lambda: child.status() == psutil.STATUS_ZOMBIE)  # noqa: B023 - waits here

    def test_a_fork_server_that_dies_is_replaced(self, decoders: Decoders, astronaut: RGB) -> None:
        """Its copy goes on, and can be killed."""
        photo = saved(Image.fromarray(astronaut), "JPEG")
        decoders.warm_up()
        [program], [child] = fork_servers(), children()
        program.kill()
        assert decoders.decode(photo).shape == astronaut.shape
        assert child.is_running()
        held = decoders._take()
        decoders.warm_up()
        assert children() != [child]
        assert fork_servers() != [program]
        decoders._give_back(held)
        decoders.close()
        until(lambda: not child.is_running())

    def test_a_fork_server_that_hangs_is_replaced(
        self, decoders: Decoders, astronaut: RGB, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It held everybody up for a minute."""
        monkeypatch.setattr("emotion_core.serving.fork_server._FORK_SECONDS", 0.5)
        decoders.warm_up()
        decoders.rest(0)
        [program] = fork_servers()
        program.suspend()
        start = time.monotonic()
        assert decoders.decode(saved(Image.fromarray(astronaut), "JPEG")).shape == astronaut.shape
        assert time.monotonic() - start < 10
        assert fork_servers() != [program]

    def test_no_room_for_one_more(self, programs: ForkServer, monkeypatch: pytest.MonkeyPatch) -> None:
        decoders, photo = Decoders(programs), saved(Image.new("RGB", (64, 64)), "JPEG")
        monkeypatch.setattr("sys.executable", "/nonexistent")
        with pytest.raises(BusyError, match="no room for this picture"):
            decoders.measure(photo)
        monkeypatch.undo()
        assert decoders.measure(photo).width == 64
        decoders.close()

    def test_one_more_starts_in_milliseconds(self, decoders: Decoders) -> None:
        """Each ended one is replaced while honest visitors wait: a program of its own took half a second."""
        decoders.warm_up()
        [program] = fork_servers()
        before = sum(psutil.Process().cpu_times()[:2]) + sum(program.cpu_times()[:4])
        held = [decoders._take() for _ in range(11)]
        used = sum(psutil.Process().cpu_times()[:2]) + sum(program.cpu_times()[:4]) - before
        assert len(set(children())) == 11
        assert used + sum(sum(child.cpu_times()[:2]) for child in children()) < 11 * 0.05
        for decoder in held:
            decoder.end()

    def test_a_frame_that_is_larger_than_its_header(self, decoders: Decoders) -> None:
        """A frame of 160 MB in a picture that says 64x48 is refused before it is there; the server holds nothing."""
        decoders.warm_up()
        [child] = children()
        idle, before = most_memory(child), psutil.Process().memory_info().rss
        assert decoders.measure(large_frame()).memory < 100_000
        with pytest.raises(ImageError):
            decoders.decode(large_frame())
        assert psutil.Process().memory_info().rss - before < 30_000_000
        if child in children():  # else it was ended
            assert most_memory(child) - idle < 50_000_000

    @pytest.mark.parametrize("kind", ["GIF", "PNG", "JPEG", "BMP", "HEIF"])
    @pytest.mark.parametrize(("true", "said"), [(2_000, 64), (64, 2_000)])
    def test_no_header_is_believed(self, decoders: Decoders, kind: str, true: int, said: int) -> None:
        """A frame larger than the header says, or smaller: no more memory is taken than was counted beforehand."""
        data, counted = lying(kind, true, said), 0
        decoders.warm_up()
        [child] = children()
        idle = most_memory(child)
        with contextlib.suppress(ImageError):  # refused, or decoded within the bound
            counted = decoders.measure(data).memory
            decoders.decode(data)
        if child in children():  # else it was ended
            assert most_memory(child) - idle < counted + MARGIN

    def test_the_frames_of_a_gif_count(self) -> None:
        with pytest.raises(ImageError, match="over 50 megapixels"):
            load_image(lying("GIF", 7_200, 64))

    def test_those_that_nothing_needs_are_ended(self, decoders: Decoders, astronaut: RGB) -> None:
        """A crowd's decoders do not stay for ever, with megabytes each."""
        photo = saved(Image.fromarray(astronaut), "JPEG")
        for decoder in [decoders._take() for _ in range(3)]:
            decoder.open(photo)
            decoder.let_go()
            decoders._give_back(decoder)
        started = children()
        assert len(started) == 3
        decoders.rest(60)
        assert children() == started
        decoders.rest(0)
        until(lambda: children() == [])
        assert decoders.decode(photo).shape == astronaut.shape

    def test_measured_and_left(self, decoders: Decoders) -> None:
        photo = large_canvas(1_200, "PNG")
        for _ in range(3):
            assert decoders.measure(photo).memory == 1_200 * 1_200 * 7
        assert decoders.decode(photo).shape == (1_200, 1_200, 3)
        with pytest.raises(ImageError):
            decoders.measure(b"junk")
        assert len(children()) == 1
