"""The pictures of the synthetic paper: plots of invented data, rasterised with numpy."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 480, 400
LEFT, TOP, RIGHT, BOTTOM = 30, 12, WIDTH - 12, HEIGHT - 26
"""The plot's area in pixels."""
INK, GRID = (40, 40, 48), (222, 224, 230)
COLOURS = ((31, 95, 168), (208, 84, 38), (46, 139, 87))

Picture = npt.NDArray[np.uint8]
Curve = npt.NDArray[np.float64]


def blank() -> Picture:
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for part in range(1, 5):
        picture[BOTTOM - (BOTTOM - TOP) * part // 5, LEFT:RIGHT] = GRID
        picture[TOP:BOTTOM, LEFT + (RIGHT - LEFT) * part // 5] = GRID
    return picture


def axes(picture: Picture) -> Picture:
    picture[TOP:BOTTOM, LEFT - 2 : LEFT] = INK
    picture[BOTTOM : BOTTOM + 2, LEFT - 2 : RIGHT] = INK
    for part in range(6):
        x, y = LEFT + (RIGHT - LEFT - 2) * part // 5, BOTTOM - (BOTTOM - TOP) * part // 5
        picture[BOTTOM : BOTTOM + 7, x : x + 2] = INK
        picture[y : y + 2, LEFT - 8 : LEFT] = INK
    return picture


def along() -> Curve:
    return np.linspace(0, 1, RIGHT - LEFT)


def line(picture: Picture, heights: Curve, colour: tuple[int, int, int]) -> None:
    """`heights` from 0 to 1, one for each column of the plot."""
    rows = (BOTTOM - 2 - np.clip(heights, 0, 1) * (BOTTOM - TOP - 4)).astype(int)
    for x, (row, following) in enumerate(zip(rows, np.append(rows[1:], rows[-1]), strict=True)):
        picture[min(row, following) - 1 : max(row, following) + 2, LEFT + x] = colour


def dots(picture: Picture, x: Curve, y: Curve, colour: tuple[int, int, int]) -> None:
    columns = (LEFT + 4 + np.clip(x, 0, 1) * (RIGHT - LEFT - 8)).astype(int)
    rows = (BOTTOM - 4 - np.clip(y, 0, 1) * (BOTTOM - TOP - 8)).astype(int)
    for row, column in zip(rows, columns, strict=True):
        picture[row - 2 : row + 3, column - 1 : column + 2] = colour
        picture[row - 1 : row + 2, column - 2 : column + 3] = colour


def heat(rng: np.random.Generator) -> Picture:
    picture = blank()
    y, x = np.mgrid[0 : BOTTOM - TOP : 2, 0 : RIGHT - LEFT : 2] / 300
    field = np.exp(-((x - 0.9) ** 2 + (y - 0.4) ** 2) * 6) + 0.6 * np.exp(-((x - 0.35) ** 2) * 30) * y
    field = np.clip(field + rng.normal(0, 0.02, field.shape), 0, 1).repeat(2, 0).repeat(2, 1)
    stops = ((0, (24, 30, 84)), (0.4, (130, 40, 130)), (0.7, (235, 100, 70)), (1, (252, 232, 160)))
    channels = [np.interp(field, [at for at, _ in stops], [rgb[part] for _, rgb in stops]) for part in range(3)]
    picture[TOP:BOTTOM, LEFT:RIGHT] = np.stack(channels, axis=2)[: BOTTOM - TOP, : RIGHT - LEFT]
    return picture


def stages(rng: np.random.Generator) -> Picture:
    picture = blank()
    for colour, power, level in zip(COLOURS, (1.2, 2.4, 5.0), (0.85, 0.7, 0.9), strict=True):
        line(picture, 0.08 + level * along() ** power + wander(rng, 0.012), colour)
    return picture


def scatter(rng: np.random.Generator) -> Picture:
    picture = blank()
    for colour, slope in zip(COLOURS, (0.75, 0.5, 0.25), strict=True):
        x = rng.uniform(0, 1, 130)
        dots(picture, x, 0.1 + slope * x + rng.normal(0, 0.05, x.size), colour)
    return picture


def spread(rng: np.random.Generator) -> Picture:
    picture = blank()
    counts, _ = np.histogram(rng.lognormal(0, 0.45, 4000), bins=36, range=(0, 3.2))
    step = (RIGHT - LEFT) / counts.size
    for bar, height in enumerate(counts / counts.max() * 0.95):
        left, top = LEFT + int(bar * step), BOTTOM - int(height * (BOTTOM - TOP))
        picture[top:BOTTOM, left + 1 : left + int(step) - 1] = COLOURS[0]
    return picture


def shares(rng: np.random.Generator) -> Picture:
    picture = blank()
    for colour, middle in zip(COLOURS, (0.25, 0.4, 0.6), strict=True):
        values = np.sort(rng.normal(middle, 0.11, 400))
        line(picture, np.searchsorted(values, along()) / values.size, colour)
    return picture


def memory(rng: np.random.Generator) -> Picture:
    picture = blank()
    for colour, level in zip(COLOURS, (0.3, 0.45, 0.6), strict=True):
        saw = (along() * rng.integers(5, 9)) % 1
        line(picture, level + 0.22 * saw + wander(rng, 0.006), colour)
    return picture


def recovery(rng: np.random.Generator) -> Picture:
    picture = blank()
    heights = 0.85 + wander(rng, 0.015)
    for start, length in ((0.15, 0.05), (0.4, 0.09), (0.7, 0.14)):
        since = along() - start
        heights -= 0.75 * ((since > 0) & (since < length))
        heights -= 0.75 * (since >= length) * np.exp(-np.maximum(since - length, 0) * 40)
    line(picture, heights, COLOURS[1])
    return picture


def residuals(rng: np.random.Generator) -> Picture:
    picture = blank()
    picture[(TOP + BOTTOM) // 2, LEFT:RIGHT] = INK
    for colour, width in zip(COLOURS, (0.04, 0.08, 0.13), strict=True):
        dots(picture, rng.uniform(0, 1, 160), 0.5 + rng.normal(0, width, 160), colour)
    return picture


def wander(rng: np.random.Generator, step: float) -> Curve:
    """A random walk that is pulled back to 0."""
    noise = rng.normal(0, step, RIGHT - LEFT)
    pull = 0.96 ** np.arange(noise.size)
    return np.convolve(noise, pull)[: noise.size] * 0.6


PLOTS: tuple[Callable[[np.random.Generator], Picture], ...] = (
    heat,
    stages,
    scatter,
    spread,
    shares,
    memory,
    recovery,
    residuals,
)


def pictures(seed: int) -> Iterator[Picture]:
    """One picture for each of the captions, shape (HEIGHT, WIDTH, 3)."""
    return (axes(plot(np.random.default_rng([seed, number]))) for number, plot in enumerate(PLOTS))
