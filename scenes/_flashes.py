"""Does a clip flash? WCAG 2.2's general and red flash thresholds, measured on every decoded frame.

A flash is a pair of opposing changes of relative luminance, of a tenth of its range or more, where the darker
state is below 0.80; or, of a saturated red (R/(R+G+B) ≥ 0.8 in either state), a pair of opposing changes of
(R - G - B) × 320 of more than 20. More than three within one second are too many where they take more than
a quarter of any ten degrees of sight at once, 341 × 256 pixels of 1024 × 768. Here changes come at once that
lie within a tenth of a second and go the same way, wherever in those ten degrees they are.

Source: W3C, Web Content Accessibility Guidelines 2.2, success criterion 2.3.1 and its definition of general
flash and red flash thresholds; Harding & Binnie 2002.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

WIDTH, HEIGHT = 160, 90  # fields a picture is divided into, each seen as its mean colour
AREA = 0.25  # of any field of ten degrees, which is a third of the picture wide and high
DEGREES = (HEIGHT // 3, WIDTH // 3)
AT_ONCE = 0.1  # seconds
MOST = 6  # changes within a second: three flashes
DARKER, LUMINANCE, SATURATED, RED = 0.8, 0.1, 0.8, 20 / 320
_code = np.arange(256) / 255
# of each of 256 levels, how much light it is
LINEAR: Array = np.where(_code <= 0.04045, _code / 12.92, ((_code + 0.055) / 1.055) ** 2.4).astype(np.float32)


@dataclass(frozen=True)
class Flashing:
    """The most flashes within a second that so much of any ten degrees shows, and when that second ends."""

    general: float
    red: float
    second: float

    @property
    def passes(self) -> bool:
        return max(self.general, self.red) <= MOST / 2


class Changes:
    """Opposing changes of a signal (height, width), each of at least so much, within the last second."""

    def __init__(self, fps: int, least: float) -> None:
        self.fps, self.least, self.frame = fps, least, 0
        self.rising = np.zeros((HEIGHT, WIDTH), np.int8)  # 0 as long as nothing has changed
        self.recent = np.zeros((fps, HEIGHT, WIDTH), bool)
        self.count = np.zeros((HEIGHT, WIDTH), np.uint8)
        # for how many frames a change to the brighter, to the darker still counts as having just come
        self.lately = {sign: np.zeros((HEIGHT, WIDTH), np.uint8) for sign in (1, -1)}
        self.most = 0

    def see(self, now: Array, counts: Mask) -> int:
        """Take in a frame; returns the most changes within a second so far, at enough places of ten degrees.

        A change counts only where `counts`, in this frame or in the one where the signal last turned.
        """
        if not self.frame:
            self.turned, self.counted = now.copy(), counts.copy()
        away = now - self.turned
        # what goes on in its direction is no change: the place where it turns moves along
        onward = away * self.rising > 0
        opposing = (abs(away) >= self.least) & ~onward
        slot = self.recent[self.frame % self.fps]
        self.count -= slot
        slot[:] = False
        for sign, lately in self.lately.items():
            np.maximum(lately, 1, out=lately)
            lately -= 1
            lately[opposing & (counts | self.counted) & (away * sign > 0)] = max(1, round(AT_ONCE * self.fps))
            if self.wide(lately > 0):
                slot |= lately > 0
                lately[:] = 0
        self.count += slot
        self.rising[opposing] = np.sign(away[opposing])
        moved = opposing | onward
        self.turned[moved], self.counted[moved] = now[moved], counts[moved]
        self.frame += 1
        while self.wide(self.count > self.most):
            self.most += 1
        return self.most

    @staticmethod
    def wide(places: Mask) -> bool:
        """Whether these are more than `AREA` of any ten degrees of sight."""
        return (
            bool(places.any()) and uniform_filter(places.astype(float), DEGREES, mode="constant").max() > AREA
        )


def flashing(clip: Path) -> Flashing:
    """The flashes of a clip, of which every frame is decoded. Raises OSError where it cannot be read."""
    with av.open(str(clip)) as file:
        video = file.streams.video[0]
        size = {"width": WIDTH, "height": HEIGHT, "interpolation": Interpolation.AREA}
        frames = (frame.to_rgb(**size).to_ndarray() for frame in file.decode(video))
        return flashes(frames, round(video.average_rate or 1))


def flashes(frames: Iterable[NDArray[np.uint8]], fps: int) -> Flashing:
    """The flashes of frames (HEIGHT, WIDTH, 3), so many a second."""
    most = Flashing(0.0, 0.0, 0.0)
    general, red = (Changes(fps, least) for least in (LUMINANCE, RED))
    for k, frame in enumerate(frames):
        r, g, b = LINEAR[np.moveaxis(frame, -1, 0)]
        luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b
        saturated = r >= SATURATED * (r + g + b + 1e-9)
        found = (
            general.see(luminance, luminance < DARKER) / 2,
            red.see(np.maximum(r - g - b, 0), saturated) / 2,
        )
        if max(found) > max(most.general, most.red):
            most = Flashing(*found, (k + 1) / fps)
    return most
