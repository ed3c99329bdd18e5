"""The scenarios that are run together, each of which has a report, in the order in which it tells of them."""

PERFORMANCE = ("single", "concurrent", "api", "components")
RELIABILITY = (
    "normal",
    "tts-failures",
    "llm-outage",
    "partial-failures",
    "cancellation",
    "data-integrity",
    "redis-restart",
)
RESOURCES = ("cache", "pooling")
