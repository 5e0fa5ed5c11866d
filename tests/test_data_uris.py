"""Pictures as text."""

import base64
import textwrap

import pytest

from emotion_core import ImageError
from emotion_core.data_uris import from_base64


def test_base64_is_decoded_in_pieces_as_it_would_be_in_one() -> None:
    """Between the pieces of ten megabytes other threads have their turn."""
    file = bytes(range(256)) * 1200
    text = base64.b64encode(file).decode()
    assert from_base64(text) == from_base64(f"data:image/png;base64,{text}") == file
    assert from_base64("\n".join(textwrap.wrap(text, 76))) == file
    assert from_base64(base64.b64encode(file[:-1]).decode()) == file[:-1]


@pytest.mark.parametrize("wrong", ["a?bc", "YQ==YQ==", "YWJjY", "data:image/png", "é", "YQ" + " " * 70_000 + "?="])
def test_what_is_not_base64_is_refused(wrong: str) -> None:
    with pytest.raises(ImageError, match="not base64"):
        from_base64(wrong)
    with pytest.raises(ImageError, match="not base64"):
        from_base64("YWJj" * 50_000 + wrong)
