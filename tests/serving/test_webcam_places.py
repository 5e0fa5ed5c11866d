"""The webcam's frames and places: checked before they are decoded, shared among visitors."""

import base64
from typing import Any

import pytest
from PIL import Image

from emotion_core import EmotionRecognizer, ImageError, Settings
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.live import LiveSessions
from emotion_core.serving.webcam import Webcam
from emotion_core.serving.workshop import Workshop, small_picture
from support.hostile_pictures import exif_bomb, large_canvas, many_scans, saved, with_segments


class TestFrames:
    def test_size_and_work_are_read_from_the_header(self) -> None:
        for frame, words in (
            (saved(Image.new("L", (1_300, 1_300)), "JPEG"), "over 1280 pixels"),
            (many_scans(40, 640, 480), "baseline JPEG"),
            (large_canvas(600), "baseline JPEG"),
        ):
            with pytest.raises(ImageError, match=words):
                small_picture(frame, 1280)
        assert small_picture(saved(Image.new("RGB", (640, 480)), "JPEG"), 1280).shape == (480, 640, 3)

    def test_nothing_is_opened_that_may_take_much(self) -> None:
        """In this process nothing ends what takes long: 300 kB of EXIF took two gigabytes of the server's memory."""
        small = saved(Image.new("RGB", (640, 480)), "JPEG")
        for frame, words in (
            (saved(Image.new("L", (64, 64)), "PNG"), "no JPEG"),
            (exif_bomb(60_000), "no JPEG"),
            (with_segments(small, b"\xe1", b"Exif\0\0" + exif_bomb(60_000)), "without them"),
            (with_segments(small, b"\xe2", b"ICC_PROFILE\0\1\1" + bytes(20_000)), "without them"),
        ):
            with pytest.raises(ImageError, match=words):
                small_picture(frame, 1280)
        assert small_picture(with_segments(small, b"\xe2", bytes(3_000)), 1280).shape == (480, 640, 3)


class TestWebcamPlaces:
    @pytest.fixture
    def sessions(self, recognizer: EmotionRecognizer) -> LiveSessions:
        settings = Settings(webcam_visitors=6)
        return LiveSessions(Catalogue(recognizer), Workshop(settings), settings, lambda *_: "")

    def test_one_visitor_cannot_hold_them_all(self, sessions: LiveSessions) -> None:
        webcam = Webcam(sessions)
        told = [webcam.open({}, "greedy") for _ in range(10)]
        assert sum("token" in one for one in told) == 3
        assert "token" in webcam.open({}, "one")

    def test_a_place_is_free_when_its_last_frame_is_done(self, sessions: LiveSessions) -> None:
        """Otherwise, closing mid-frame and reopening would allow any number of concurrent decodes."""
        opened = sessions.open()
        assert opened is not None
        token, session = opened
        assert session.busy.acquire(blocking=False)
        sessions.close(token)
        assert len(sessions) == 1
        assert sessions.get(token) is None
        sessions.done(token, session)
        assert len(sessions) == 0

    def test_no_turn_is_no_fault_of_the_frame(self, recognizer: EmotionRecognizer, monkeypatch: Any) -> None:
        monkeypatch.setattr("emotion_core.serving.workshop._FRAME_PATIENCE", 0.1)
        settings = Settings(concurrency=1)
        workshop = Workshop(settings)
        webcam = Webcam(LiveSessions(Catalogue(recognizer), workshop, settings, lambda *_: ""))
        token = webcam.open({})["token"]
        picture = "data:image/jpeg;base64," + base64.b64encode(saved(Image.new("RGB", (64, 64)), "JPEG")).decode()
        with workshop.places.place("somebody"):
            assert webcam.frame({"token": token, "picture": picture}) == {"busy": True}
        assert "frame" in webcam.frame({"token": token, "picture": picture})
