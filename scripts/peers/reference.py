"""The exact centers, computed from a histogram with nothing but Python's own numbers.

c-means runs in fractions, so nothing is ever rounded; fuzzy c-means (fuzzifier 2) in 50 decimal digits.
Rows are counted as in the paper's tables: row 1 holds the initial centers.
"""

import csv
import decimal
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

HISTOGRAM = Path(__file__).resolve().parents[2] / "tests" / "data" / "paper_histogram.csv"
WIDTH, HEIGHT = 7280, 7750
CENTERS = (1.2, 2.5, 3.8)
CENTER_SUM_EPSILON = 0.0005  # Table I
OBJECTIVE_EPSILON = 10.0  # Table II
MAX_ROWS = 300


def read_histogram(path=HISTOGRAM):
    """The paper's image as a list: pixels of each gray level 0..255."""
    counts = [0] * 256
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts[int(row["gray_level"])] = int(row["pixels"])
    return counts


def cmeans(counts, centers=CENTERS, epsilon=CENTER_SUM_EPSILON, rows=None):
    """Exact c-means; stops when the sum of the centers moves by less than epsilon, or after `rows` rows.

    Returns the centers of the last row, and the number of rows.
    """
    centers = [Fraction(center) for center in centers]
    row = 1
    while row < (rows or MAX_ROWS):
        total = [0] * len(centers)
        pixels = [0] * len(centers)
        for level, count in enumerate(counts):
            nearest = min(range(len(centers)), key=lambda k: abs(level - centers[k]))
            total[nearest] += level * count
            pixels[nearest] += count
        moved = [
            Fraction(t, n) if n else old for t, n, old in zip(total, pixels, centers, strict=True)
        ]
        change = abs(sum(moved) - sum(centers))
        centers = moved
        row += 1
        if rows is None and change < epsilon:
            break
    return [float(center) for center in centers], row


def fuzzy_cmeans(counts, centers=CENTERS, epsilon=OBJECTIVE_EPSILON, rows=None):
    """Fuzzy c-means with fuzzifier 2 in 50 digits; stops when the objective, the sum of u² |x − c|, changes by
    less than epsilon, or after `rows` rows.

    Returns the centers of the last row, and the number of rows.
    """
    with decimal.localcontext() as context:
        context.prec = 50
        centers = [Decimal(center) for center in centers]
        objective, moved = _fuzzy_round(counts, centers)
        row = 1
        while row < (rows or MAX_ROWS):
            centers = moved
            before = objective
            objective, moved = _fuzzy_round(counts, centers)
            row += 1
            if rows is None and abs(objective - before) < epsilon:
                break
        return [float(center) for center in centers], row


def _fuzzy_round(counts, centers):
    """The objective at these centers, and the centers that follow."""
    objective = Decimal(0)
    total = [Decimal(0)] * len(centers)
    weight = [Decimal(0)] * len(centers)
    for level, count in enumerate(counts):
        if count == 0:
            continue
        distances = [abs(level - center) for center in centers]
        on_center = [distance == 0 for distance in distances]
        if any(on_center):
            nearness = [Decimal(int(on)) for on in on_center]
        else:
            nearness = [1 / (distance * distance) for distance in distances]
        whole = sum(nearness)
        for k, (near, distance) in enumerate(zip(nearness, distances, strict=True)):
            mass = (near / whole) ** 2 * count
            objective += mass * distance
            total[k] += mass * level
            weight[k] += mass
    return objective, [
        t / w if w else old for t, w, old in zip(total, weight, centers, strict=True)
    ]


# How many rows the paper's Tables I and II have.
PRINTED = {
    "c-means": (cmeans, 13),
    "fuzzy c-means": (fuzzy_cmeans, 25),
}


def check():
    """Compares with the paper: as many pixels, and as many rows as its tables have."""
    counts = read_histogram()
    failures = []
    if sum(counts) != WIDTH * HEIGHT:
        failures.append(f"the histogram has {sum(counts)} pixels, not {WIDTH * HEIGHT}")
    for name, (run, printed_rows) in PRINTED.items():
        centers, rows = run(counts)
        print(f"{name}: {rows} rows, centers {', '.join(f'{c:.9f}' for c in centers)}")
        if rows != printed_rows:
            failures.append(f"{name}: {rows} rows, the paper has {printed_rows}")
    return failures


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        sys.exit("usage: reference.py --check")
    problems = check()
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)
