"""Runs one peer in a process of its own: peer.py NAME RAW PIXELS ROWS REPEATS, one JSON object on stdout.

Each peer is given the pixels in memory, in the type that it wants, and the paper's initial centers; its seconds
run from there to the centers of the last row. Peers that cannot stop by the paper's rules make ROWS - 1 updates of
the centers, as many as the rule asks for.
"""

import json
import sys
import time
import warnings

import numpy as np

import image
import reference

CENTERS = np.array(reference.CENTERS)


def distances(values):
    return np.abs(values[None, :] - CENTERS[:, None])


def opencv_histogram(picture):
    """Counts of the levels by OpenCV."""
    import cv2

    return cv2.calcHist([picture], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def picture_of(raw, pixels):
    """Rows as long as those of the small image, which divides every size in use."""
    return image.read(raw, pixels).reshape(-1, image.QUICK[0])


def opencv_histogram_cmeans(raw, pixels, rows):
    picture = picture_of(raw, pixels)
    levels = np.arange(256.0)

    def fit():
        counts = opencv_histogram(picture)
        centers, row = CENTERS.copy(), 1
        while row < reference.MAX_ROWS:
            labels = np.abs(levels[None, :] - centers[:, None]).argmin(axis=0)
            weight = np.bincount(labels, weights=counts, minlength=3)
            total = np.bincount(labels, weights=counts * levels, minlength=3)
            moved = np.where(weight > 0, total / np.maximum(weight, 1), centers)
            change = abs(moved.sum() - centers.sum())
            centers, row = moved, row + 1
            if change < reference.CENTER_SUM_EPSILON:
                break
        return centers, row

    return fit


def opencv_histogram_fuzzy(raw, pixels, rows):
    picture = picture_of(raw, pixels)

    def fit():
        counts = opencv_histogram(picture)
        levels = np.flatnonzero(counts).astype(np.float64)
        counts = counts[counts > 0]
        centers, row, before = CENTERS.copy(), 1, None
        while row < reference.MAX_ROWS:
            distance = np.maximum(np.abs(levels[None, :] - centers[:, None]), 1e-150)
            near = distance**-2
            mass = (near / near.sum(axis=0)) ** 2 * counts
            objective = (mass * distance).sum()
            if before is not None and abs(objective - before) < reference.OBJECTIVE_EPSILON:
                break
            centers = (mass * levels).sum(axis=1) / mass.sum(axis=1)
            before, row = objective, row + 1
        return centers, row

    return fit


def opencv_kmeans(raw, pixels, rows):
    import cv2

    values = image.read(raw, pixels).astype(np.float32).reshape(-1, 1)
    # It takes labels, not centers; these are the labels of the initial centers.
    level_labels = distances(np.arange(256.0)).argmin(axis=0).astype(np.int32)
    labels = level_labels[image.read(raw, pixels)].reshape(-1, 1)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, rows - 1, 0.0)

    def fit():
        _, _, centers = cv2.kmeans(
            values, 3, labels.copy(), criteria, 1, cv2.KMEANS_USE_INITIAL_LABELS
        )
        return centers.ravel(), rows

    return fit


def scikit_learn(dtype):
    def prepare(raw, pixels, rows):
        from sklearn.cluster import KMeans

        values = image.read(raw, pixels).astype(dtype).reshape(-1, 1)
        initial = CENTERS.astype(dtype).reshape(-1, 1)

        def fit():
            model = KMeans(
                3, init=initial, n_init=1, max_iter=rows - 1, tol=0.0, algorithm="lloyd"
            )
            with warnings.catch_warnings():
                # Ending at max_iter is what was asked for.
                warnings.simplefilter("ignore")
                model.fit(values)
            return model.cluster_centers_.ravel(), model.n_iter_ + 1

        return fit

    return prepare


def scikit_fuzzy(raw, pixels, rows):
    import skfuzzy

    values = image.read(raw, pixels).astype(np.float64).reshape(1, -1)
    # It takes memberships, not centers; these are the memberships of the initial centers.
    near = distances(values.ravel()) ** -2
    memberships = near / near.sum(axis=0)
    del near

    def fit():
        centers, *_, iterations, _ = skfuzzy.cmeans(
            values, 3, 2.0, error=0.0, maxiter=rows - 1, init=memberships
        )
        return centers.ravel(), int(iterations) + 1

    return fit


PEERS = {
    "opencv-histogram-cmeans": opencv_histogram_cmeans,
    "opencv-histogram-fuzzy": opencv_histogram_fuzzy,
    "opencv-kmeans": opencv_kmeans,
    "scikit-learn-f32": scikit_learn(np.float32),
    "scikit-learn-f64": scikit_learn(np.float64),
    "scikit-fuzzy": scikit_fuzzy,
}


def main(name, raw, pixels, rows, repeats):
    fit = PEERS[name](raw, int(pixels), int(rows))
    seconds = []
    for _ in range(int(repeats)):
        started = time.perf_counter()
        centers, done = fit()
        seconds.append(time.perf_counter() - started)
    centers = sorted(float(center) for center in centers)
    print(json.dumps({"seconds": seconds, "rows": int(done), "centers": centers}))


if __name__ == "__main__":
    main(*sys.argv[1:])
