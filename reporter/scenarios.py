"""The scenarios that reports are about, in the order in which they tell of them."""

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
