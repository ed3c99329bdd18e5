"""What to do about it, each advice with the figure that it follows from."""

from collections.abc import Sequence

from reporter.markdown import bullets
from reporter.recommendations import RULES
from reporter.stamp import Word


def recommendations(sentences: Sequence[str], left_out: Sequence[str], rules: str = RULES) -> list[str]:
    blocks = [bullets(sentences)] if sentences else ["None: no rule found a figure to act on."]
    if left_out:
        blocks.append(f"Left out, because the run is {Word.INVALID}: {', '.join(left_out)}.")
    return [*blocks, rules]
