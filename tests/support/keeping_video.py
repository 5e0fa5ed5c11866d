"""A video of H.264 whose decoder keeps as many frames as there can be: 34 of 3840x2160 pixels for 34 kB of the file.

Written bit by bit (ITU-T H.264, sections 7.3 and 9.1): one gray picture, and others in which no block differs from it.
"""

_MODE, _LEVEL = 244, 62


def keeping(width: int, height: int, frames: int = 100, kept: int = 16, waiting: int = 16) -> bytes:
    """The raw stream. kept: of how many earlier frames it draws. waiting: how many come out later than they go in."""
    columns, rows = -(-width // 16), -(-height // 16)
    whole = _bits(8, _MODE) + _bits(8, 0) + _bits(8, _LEVEL) + "".join(map(_code, (0, 1, 0, 0))) + "00"
    whole += "".join(map(_code, (4, 0, 8, kept))) + "0" + _code(columns - 1) + _code(rows - 1) + "1101"
    whole += "0" * 8 + "11" + "".join(map(_code, (0, 0, 10, 10, waiting, max(waiting, kept))))
    picture = "11" + "00" + "111" + "000" + "111" + "100"
    first = "".join(map(_code, (0, 7, 0))) + _bits(8, 0) + "1" + _bits(12, 0) + "00" + "1" + _code(1)
    first += "00100111" * (columns * rows)
    units = [_unit(0x67, whole), _unit(0x68, picture), _unit(0x65, first)]
    for number in range(1, frames):
        drawn_from = number <= kept
        later = "".join(map(_code, (0, 5, 0))) + _bits(8, min(number, kept + 1) % 256) + _bits(12, 2 * number % 4096)
        later += "00" + "0" * drawn_from + "1" + _code(1) + _code(columns * rows)
        units.append(_unit(0x61 if drawn_from else 0x01, later))
    return b"".join(units)


def _bits(width: int, value: int) -> str:
    return format(value, f"0{width}b")


def _code(value: int) -> str:
    """The Exp-Golomb code of a number."""
    digits = format(value + 1, "b")
    return "0" * (len(digits) - 1) + digits


def _unit(header: int, bits: str) -> bytes:
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8)
    for byte in range(4):  # what looks like a start code is told apart
        data = data.replace(b"\0\0" + bytes([byte]), b"\0\0\3" + bytes([byte])) if byte else _parted(data)
    return b"\0\0\0\1" + bytes([header]) + data


def _parted(data: bytes) -> bytes:
    while b"\0\0\0" in data:
        data = data.replace(b"\0\0\0", b"\0\0\3\0")
    return data
