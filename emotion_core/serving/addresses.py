"""The client address that limits are counted by."""

import ipaddress

from starlette.requests import HTTPConnection
from starlette.types import Scope


def client_address(scope: Scope, proxies: int) -> str:
    """The caller's address; for IPv6 its /64 network, which belongs to one household.

    Each of the ``proxies`` in front appends the address it saw to X-Forwarded-For: the caller's is
    that many from the right, and anything further left may be forged.
    """
    connection = HTTPConnection(scope)
    address = connection.client.host if connection.client else ""
    if proxies:
        # Split no further than needed: visitors send as many parts as they like, and events that wait are asked often.
        seen = ",".join(connection.headers.getlist("x-forwarded-for")).rsplit(",", proxies)
        address = seen[-min(proxies, len(seen))].strip() or address
    return counted_as(address)


def counted_as(address: str) -> str:
    """What limits count an address under: for IPv6 its /64 network."""
    if address.startswith("["):  # some proxies add the port
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
