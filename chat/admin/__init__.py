"""The administrators' pages for everything in `chat`, one module per concept."""

from chat.admin import (
    accounts,
    audit,
    backends,
    checks,
    conversations,
    embedding,
    host,
    images,
    limits,
    moderation,
    registry,
    restrictions,
    running,
    sharing,
    site,
    visitors,
)

__all__ = [
    "accounts",
    "audit",
    "backends",
    "checks",
    "conversations",
    "embedding",
    "host",
    "images",
    "limits",
    "moderation",
    "registry",
    "restrictions",
    "running",
    "sharing",
    "site",
    "visitors",
]
