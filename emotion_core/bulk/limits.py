"""Values of bulk's options, as they are written on the command line."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failures:
    """How many files may fail: a number, or a share (0 to 1) of all."""

    number: int | None = None
    share: float = 0.0

    @classmethod
    def from_text(cls, text: str) -> "Failures":
        """``100`` or ``0.5%``; ValueError for anything else."""
        if text.endswith("%"):
            percent = float(text[:-1])
            if not 0 <= percent <= 100:
                raise ValueError(f"give 0% to 100%, not {text}")
            return cls(share=percent / 100)
        if not text.isdecimal():
            raise ValueError(f"give a number of files, or a share such as 0.5%, not {text}")
        return cls(int(text))

    def exceeded(self, failed: int, files: int) -> bool:
        """Whether so many failed of so many files are more."""
        return failed > (self.share * files if self.number is None else self.number)

    def __str__(self) -> str:
        return f"{self.share * 100:g}%" if self.number is None else f"{self.number}"


#: Of a run without ``--max-failures``: what goes beyond is a failed one, though all files are scored.
USUAL = Failures(share=0.01)


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them; ValueError for none."""
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise ValueError("give names with commas between them")
    return found


def share(text: str) -> float:
    """A part of a GPU below 1, or a whole number of them; ValueError for anything else, as Ray refuses it, too."""
    number = float(text)
    if number < 0 or (number > 1 and not number.is_integer()):
        raise ValueError(f"give a part of a GPU, such as 0.25, or a whole number, not {text}")
    return number
