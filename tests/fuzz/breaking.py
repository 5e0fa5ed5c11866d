"""Mutations of valid bytes and JSON: changed bytes and numbers, nesting, truncation, duplication."""

import copy
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

ODD_NUMBERS = (0, 1, 2, 7, 15, 16, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 1e308, 5e-324, float("nan"), float("inf"), 0.5),
    *("", "x", "\0", "../../x", "/etc/passwd", "é" * 300, "1", "nan", "\ud800", "data:,x", "__class__"),
    *([], {}, [[]], [0] * 300, {"": None}, ["a", "a"], {"height": 1}, ["a", 1], [{}] * 3),
)


NEST = "many lists, one in the other"


def broken(rng: random.Random, seeds: Sequence[bytes], front: int = 400) -> bytes:
    """A seed with one to six mutations, most of them near the front, where headers are."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        if not content:
            break
        at = rng.randrange(min(len(content), front) if rng.random() < 0.6 else len(content))
        match rng.randrange(8):
            case 0 | 1:
                content[at] ^= 1 << rng.randrange(8)
            case 2:
                content[at] = rng.randrange(256)
            case 3:
                del content[at:]
            case 4:
                other = rng.choice(seeds)
                start = rng.randrange(len(other))
                content[at : at + rng.randrange(60)] = other[start : start + rng.randrange(200)]
            case 5:
                size, order = rng.choice((1, 2, 4, 8)), rng.choice(("big", "little"))
                number = rng.choice(ODD_NUMBERS) % 256**size
                content[at : at + size] = number.to_bytes(size, order)
            case 6:
                content[at:at] = content[at : at + rng.randrange(300)] * rng.randrange(1, 4)
            case 7:
                del content[at : at + rng.randrange(1, 100)]
    return bytes(content)


def broken_image(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """As above; for half of the PNGs, a chunk is changed and its checksum fixed; others get a zip's tail."""
    content = rng.choice(seeds)
    if content.startswith(b"\x89PNG") and rng.random() < 0.5:
        parts, at = [], 8
        while at < len(content):
            [size] = struct.unpack_from(">I", content, at)
            parts.append([content[at + 4 : at + 8], content[at + 8 : at + 8 + size]])
            at += size + 12
        chosen = rng.choice(parts)
        chosen[1] = broken(rng, [chosen[1] or b"x"], 20)
        chunks = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts]
        return content[:8] + b"".join(chunks)
    return broken(rng, seeds) + (zipped({"a/1.png": b"x"}) if rng.random() < 0.05 else b"")


def broken_json(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A value in the tree is replaced, added, removed or nested; one in five inputs is broken as text."""
    if rng.random() < 0.2:
        return broken(rng, seeds, 10_000)
    tree = json.loads(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(_places(tree))
        if not places:
            break
        holder, key = rng.choice(places)
        match rng.randrange(5):
            case 0 | 1 | 2:
                holder[key] = copy.deepcopy(rng.choice(ODD_VALUES))
            case 3:
                del holder[key]
            case 4:
                holder[key] = NEST
    depth = rng.choice((1, 30, 900, 100_000))
    return json.dumps(tree).replace(json.dumps(NEST), "[" * depth + "1" + "]" * depth).encode()


def _places(tree: Any) -> Any:
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(value)


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()
