"""Options defined once: a dataclass field holds an option's default, meaning and bounds.

The command line builds its options from such fields (``cli.options.add_fields``).
"""

from dataclasses import field
from typing import Any


def option(default: Any, meaning: str, **words: Any) -> Any:
    """A field that the command line can set; words: further argparse arguments (``metavar``, ``choices``, ``type``).

    A callable default is used as a factory. For a switch that is on by default, meaning describes
    turning it off.
    """
    metadata = {"meaning": meaning, "words": words}
    return (
        field(default_factory=default, metadata=metadata)
        if callable(default)
        else field(default=default, metadata=metadata)
    )


def frames_a_second(text: str) -> float:
    """Parse a rate above 0, up to 1000; ValueError otherwise."""
    rate = float(text)
    if not 0 < rate <= 1000:
        raise ValueError(f"give frames a second, above 0, not {text}")
    return rate


def whole_number(text: str) -> int:
    """Parse a whole number, 1 or more; ValueError otherwise."""
    number = int(text)
    if number < 1:
        raise ValueError(f"give a whole number, 1 or more, not {text}")
    return number
