"""The address by which a visitor calls the server, and texts in which it stands: each made once, for all addresses."""

import re
import struct
import zlib
from functools import lru_cache
from typing import Final

import httpx
from starlette.datastructures import Headers
from starlette.types import Scope

#: The address a text is made with: http, and a host that cannot be (RFC 6761).
HOST: Final = b"called-by.invalid"
_ADDRESS: Final = b"http://" + HOST
#: What Host may name: a name or an address, and a port.
_CALLED: Final = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
#: Addresses whose texts are kept joined, so that everybody who calls by one is sent the same bytes.
_KEPT: Final = 16
#: A gzip file without a name or a time, as by any system; and the empty block that ends what is in it (RFC 1952, 1951).
_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_END: Final = b"\x03\x00"


class AddressedText:
    """Cut where ``http://`` and ``HOST`` stand, and each piece compressed.

    To compress a page for each address takes milliseconds, and a visitor can make up any number of addresses.
    """

    def __init__(self, content: bytes) -> None:
        self._pieces = content.split(_ADDRESS)
        self._packed = [_pack(piece) for piece in self._pieces]
        #: The text with an address, such as ``b"https://host:8000"``; and the same as a gzip file.
        self.plain = lru_cache(_KEPT)(self._plain)
        self.gzipped = lru_cache(_KEPT)(self._gzipped)

    def _plain(self, address: bytes) -> bytes:
        return address.join(self._pieces)

    def _gzipped(self, address: bytes) -> bytes:
        content = self._plain(address)
        end = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFF_FFFF)
        return _HEAD + _pack(address).join(self._packed) + _END + end


def _pack(piece: bytes) -> bytes:
    """Deflated on its own, up to the end of a byte, so that any other piece may follow."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)


def as_called(scope: Scope, behind_proxy: bool) -> Scope:
    """The request with one address of the server, and one that can be: Gradio believes several headers, and fails at
    what names no host.

    Behind a proxy that is trusted it is X-Forwarded-Host, in place of Host. X-Forwarded-Proto is heeded of everybody,
    as it says https or nothing; X-Gradio-Server, of a second server of Gradio's, of nobody.
    """
    headers = Headers(scope=scope)
    told, scheme = (headers.get(f"x-forwarded-{name}", "").partition(",")[0].strip() for name in ("host", "proto"))
    name, port = scope.get("server") or ("localhost", None)
    own = (f"[{name}]" if ":" in name else name) + (f":{port}" if port else "")
    host = next(filter(_can_be, (told if behind_proxy else "", headers.get("host", ""))), own)
    dropped = (b"host", b"x-forwarded-host", b"x-gradio-server")
    kept = [pair for pair in scope["headers"] if pair[0] not in dropped]
    scheme = "https" if scheme == "https" else scope.get("scheme", "http")
    return {**scope, "scheme": scheme, "headers": [*kept, (b"host", host.encode())]}


def _can_be(host: str) -> bool:
    found = _CALLED.fullmatch(host)
    if not found or int(found[2] or 0) > 65_535:
        return False
    try:
        httpx.URL(f"http://{host}")
    except httpx.InvalidURL:  # numbers that are no address
        return False
    return True
