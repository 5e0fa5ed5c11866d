"""What can be asked for, said once: a dataclass's field has its default, its meaning and its bounds.

The command line makes its options from such fields (``cli.options.add_fields``).
"""

from dataclasses import field
from typing import Any


def option(default: Any, meaning: str, **words: Any) -> Any:
    """A field that the command line can set; words: what argparse takes beside (``metavar``, ``choices``, ``type``).

    A default that is a function is called where it is not set. For a switch that is on by default,
    meaning says what it is to turn it off.
    """
    metadata = {"meaning": meaning, "words": words}
    return (
        field(default_factory=default, metadata=metadata)
        if callable(default)
        else field(default=default, metadata=metadata)
    )


def frames_a_second(text: str) -> float:
    """A rate above 0; ValueError for another."""
    rate = float(text)
    if not 0 < rate <= 1000:
        raise ValueError(f"give frames a second, above 0, not {text}")
    return rate


def whole_number(text: str) -> int:
    """1 or more; ValueError for another."""
    number = int(text)
    if number < 1:
        raise ValueError(f"give a whole number, 1 or more, not {text}")
    return number
