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
RESOURCES = ("idle", "job-profile", "scaling", "leak", "cache", "pooling")
ABOUT_RESOURCES = (*RESOURCES, "leak-long", "soak")
"""With those that take too long to be run together with the others, and which the same report tells of."""
