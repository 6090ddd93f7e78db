"""Makes the image that everybody classifies: the paper's histogram, its pixels in an order that looks like noise.

image.py FOLDER full|quick SHARE: one JSON object with its paths and sizes, and the histograms of the whole and of
its first SHARE-th part. A process of its own, so that the one which starts the peers stays small: Linux counts a
parent's size as its child's peak memory.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np

import reference

SEED = 2017
# A twentieth of the pixels: the sides by 4 and by 5.
QUICK = (reference.WIDTH // 4, reference.HEIGHT // 5)
FULL = (reference.WIDTH, reference.HEIGHT)


def make(folder, quick):
    """Writes image.raw (row-major bytes) and image.png unless they are there; returns (raw, png, width, height).

    The order of the pixels changes no sum, so nothing of the results depends on the generator of NumPy.
    """
    width, height = QUICK if quick else FULL
    raw = folder / f"paper-{width}x{height}.raw"
    png = raw.with_suffix(".png")
    if not (raw.exists() and png.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        levels = np.repeat(np.arange(256, dtype=np.uint8), reference.read_histogram())
        np.random.default_rng(SEED).shuffle(levels)
        pixels = levels[: width * height].reshape(height, width)
        # Renamed when complete, so that an interrupted run leaves no half image behind.
        unfinished = folder / "unfinished.png"
        if not cv2.imwrite(str(unfinished), pixels):
            raise OSError(f"cannot write {unfinished}")
        pixels.tofile(raw)
        unfinished.rename(png)
    return raw, png, width, height


def read(raw, pixels=None):
    """The first `pixels` bytes of a raw image, or all."""
    return np.fromfile(raw, dtype=np.uint8, count=-1 if pixels is None else pixels)


def part(pixels, share):
    """A share of the pixels, in whole rows of the small image, whose width divides every size in use."""
    return pixels // share // QUICK[0] * QUICK[0]


def histogram(raw, pixels):
    """Pixels of each gray level, as Python's own integers."""
    return [int(count) for count in np.bincount(read(raw, pixels), minlength=256)]


def main(folder, size, share):
    raw, png, width, height = make(Path(folder), size == "quick")
    pixels = width * height
    sizes = [pixels, part(pixels, int(share))]
    described = {
        "raw": str(raw),
        "png": str(png),
        "width": width,
        "height": height,
        "parts": [{"pixels": count, "histogram": histogram(raw, count)} for count in sizes],
    }
    print(json.dumps(described))


if __name__ == "__main__":
    main(*sys.argv[1:])
