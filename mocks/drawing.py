"""The pictures' upper parts, one drawing per visual type, as tones from 0 (ground) to 1 (ink)."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from contract.pattern import TOP as HEIGHT
from contract.pattern import WIDTH
from contract.script import VisualType

Tones = npt.NDArray[np.float64]

SCALE = 3
"""Drawn this much larger, then averaged, so that slanted edges are smooth."""


class Canvas:
    """Coordinates are pixels of the picture, from the top left; a later shape covers an earlier one."""

    def __init__(self) -> None:
        rows, columns = np.mgrid[0 : HEIGHT * SCALE, 0 : WIDTH * SCALE]
        self.x = (columns + 0.5) / SCALE
        self.y = (rows + 0.5) / SCALE
        self.tones: Tones = np.zeros(self.x.shape)

    def box(self, left: float, top: float, width: float, height: float, tone: float) -> None:
        inside = (self.x >= left) & (self.x < left + width) & (self.y >= top) & (self.y < top + height)
        self.tones[inside] = tone

    def framed(self, left: float, top: float, width: float, height: float, tone: float) -> None:
        self.box(left, top, width, height, 1.0)
        self.box(left + 2, top + 2, width - 4, height - 4, tone)

    def disc(self, x: float, y: float, radius: float, tone: float) -> None:
        self.tones[(self.x - x) ** 2 + (self.y - y) ** 2 < radius**2] = tone

    def arrow(self, left: float, right: float, y: float) -> None:
        self.box(left, y - 1, right - left - 5, 2, 1.0)
        head = (self.x > right - 8) & (self.x < right) & (abs(self.y - y) < (right - self.x) * 0.6)
        self.tones[head] = 1.0

    def below(self, heights: npt.ArrayLike, tone: float) -> None:
        """Fills each column below its height; `heights` has one value per pixel of width."""
        self.tones[self.y > np.repeat(np.asarray(heights), SCALE)] = tone

    def picture(self) -> Tones:
        tones: Tones = self.tones.reshape(HEIGHT, SCALE, WIDTH, SCALE).mean(axis=(1, 3))
        return tones


def diagram(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.box(153, 54, 2, 30, 1.0)
    for left, following in ((14, 86), (118, 190), (222, None)):
        top = 36 + rng.uniform(-14, 4)
        canvas.framed(left, top, 72, 36, 0.25 + 0.2 * rng.random())
        for line in range(2):
            canvas.box(left + 12, top + 11 + line * 9, rng.uniform(24, 48), 4, 0.8)
        if following is not None:
            canvas.arrow(following + 3, following + 29, 54)
    canvas.framed(118, 84, 72, 22, 0.15)


def chart(canvas: Canvas, rng: np.random.Generator) -> None:
    for line in range(4):
        canvas.box(30, 16 + line * 22, 270, 1, 0.2)
    for bar, height in enumerate(rng.uniform(20, 84, 9)):
        canvas.box(40 + bar * 29, 102 - height, 19, height, 0.45 + 0.06 * (bar % 3))
    canvas.box(30, 8, 2, 96, 1.0)
    canvas.box(30, 102, 272, 2, 1.0)


def photo(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.tones = 0.05 + 0.3 * canvas.y / HEIGHT
    canvas.disc(rng.uniform(60, 260), rng.uniform(22, 40), 13, 0.0)
    along = np.arange(WIDTH)
    for ridge, tone in enumerate((0.45, 0.65, 0.9)):
        heights = (
            52
            + ridge * 17
            + sum(
                (12 - 2 * ridge) / wave * np.sin(along * wave * rng.uniform(0.018, 0.03) + rng.uniform(0, 6))
                for wave in (1, 2, 5)
            )
        )
        canvas.below(heights, tone)


def text_slide(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.box(0, 0, WIDTH, 26, 0.55)
    canvas.box(20, 9, rng.uniform(130, 220), 9, 0.0)
    for line in range(4):
        canvas.disc(26, 41 + line * 18, 3.5, 0.6)
        at = 38
        end = rng.uniform(180, 290)
        while at < end:
            width = int(rng.integers(8, 34))
            canvas.box(at, 38 + line * 18, width, 6, 0.9)
            at += width + 5


def animation_still(canvas: Canvas, rng: np.random.Generator) -> None:
    canvas.box(0, 0, WIDTH, HEIGHT, 1.0)
    for hole in range(16):
        for top in (4, 98):
            canvas.box(6 + hole * 20, top, 10, 10, 0.1)
    canvas.box(14, 19, WIDTH - 28, 74, 0.12)
    canvas.box(14, 82, WIDTH - 28, 11, 0.4)
    bounce = rng.uniform(0.012, 0.02)
    for step in range(7):
        x = 44 + step * 36
        canvas.disc(x, 72 - 42 * abs(np.sin(x * bounce)), 10, 0.18 + 0.1 * step)


DRAWINGS: dict[VisualType, Callable[[Canvas, np.random.Generator], None]] = {
    VisualType.DIAGRAM: diagram,
    VisualType.CHART: chart,
    VisualType.PHOTO: photo,
    VisualType.TEXT_SLIDE: text_slide,
    VisualType.ANIMATION_STILL: animation_still,
}


def draw(kind: VisualType, variant: int) -> Tones:
    """Shape (HEIGHT, WIDTH); always the same for the same arguments."""
    canvas = Canvas()
    DRAWINGS[kind](canvas, np.random.default_rng(variant))
    return canvas.picture()


def sketched(tones: Tones) -> Tones:
    """The same by pencil: outlines and hatching instead of areas."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    slope = np.hypot(*np.gradient(tones))
    hatching = ((rows + columns) % 6 < 6 * tones * 0.6) * 0.45
    lines: Tones = np.clip(2.2 * slope + hatching, 0.0, 1.0)
    return lines
