"""Internet addresses, networks and interfaces."""

from __future__ import annotations

import ipaddress
from typing import Any

from ptyconf.schema.kind import Kind, textual

KINDS: dict[Any, Kind] = {
    kind: textual(kind, f"an {version} {what}", kind)
    for kind, version, what in (
        (ipaddress.IPv4Address, "IPv4", "address"),
        (ipaddress.IPv6Address, "IPv6", "address"),
        (ipaddress.IPv4Network, "IPv4", "network"),
        (ipaddress.IPv6Network, "IPv6", "network"),
        (ipaddress.IPv4Interface, "IPv4", "interface"),
        (ipaddress.IPv6Interface, "IPv6", "interface"),
    )
}
