"""Runs every peer and `msvpu` over the paper's image and prints a table in Markdown; progress goes to stderr."""

import argparse
import datetime
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import reference

HERE = Path(__file__).resolve().parent
# scikit-fuzzy keeps some 230 bytes a pixel, so it gets one pixel in so many.
SHARE = 20
REPEATS = 5

RULES = {
    "c-means": (reference.cmeans, f"center sum moves < {reference.CENTER_SUM_EPSILON}"),
    "fuzzy c-means": (reference.fuzzy_cmeans, f"objective moves < {reference.OBJECTIVE_EPSILON:g}"),
}
FIXED = "fixed count"


@dataclass
class Row:
    """One line of the table; `why_not` instead of figures if the peer did not finish."""

    who: str
    algorithm: str
    pixels: int
    stops: str
    seconds: float = 0.0
    repeats: int = 0
    rows: int = 0
    centers: tuple = ()
    exact: tuple = ()
    peak_mib: float = 0.0
    share: int = 1
    total_ms: float | None = None
    why_not: str | None = None


class PeerError(Exception):
    """A peer ended badly, or not in time."""


def run(command, timeout, environment=None):
    """Runs a command to its end: its standard output, and its peak memory in MiB (of its largest process)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=err,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        deadline = time.monotonic() + timeout
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                # With all that it started: mpirun has children.
                os.killpg(process.pid, signal.SIGKILL)
                os.wait4(process.pid, 0)
                process.returncode = -signal.SIGKILL
                raise PeerError(f"not done after {timeout} s")
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            last = err.read().decode(errors="replace").strip().splitlines()[-1:]
            raise PeerError(f"exit status {process.returncode}: {' '.join(last)}")
        return out.read().decode(), usage.ru_maxrss / 1024


def versioned(package, name):
    return f"{name} {metadata.version(package)}"


class Comparison:
    def __init__(self, options):
        self.options = options
        command = [sys.executable, HERE / "image.py", options.folder]
        out, _ = run([*command, "quick" if options.quick else "full", SHARE], options.timeout)
        image = json.loads(out)
        self.raw, self.png = image["raw"], image["png"]
        self.width, self.height = image["width"], image["height"]
        whole, part = image["parts"]
        self.pixels, self.part_pixels = whole["pixels"], part["pixels"]
        # Centers and rows by exact arithmetic. The part is taken as far as the whole, so that its time says
        # something of the whole's: its own objective is smaller and would rest earlier.
        self.exact = {}
        for algorithm, (fit, _) in RULES.items():
            centers, rows = fit(whole["histogram"])
            self.exact[algorithm, self.pixels] = centers, rows
            self.exact[algorithm, self.part_pixels] = fit(part["histogram"], rows=rows)
        self.table = []

    def add(self, row, measure):
        """Fills in a row by what `measure` returns: a peer's JSON object, and its peak memory."""
        print(f"{row.who}, {row.algorithm} …", end=" ", file=sys.stderr, flush=True)
        try:
            result, row.peak_mib = measure()
            row.exact, _ = self.exact[row.algorithm, row.pixels]
            row.seconds = statistics.median(result["seconds"])
            row.repeats = len(result["seconds"])
            row.rows = result["rows"]
            row.centers = result["centers"]
            row.total_ms = result.get("total_ms")
            print(f"{row.seconds:.4f} s", file=sys.stderr)
        except (PeerError, OSError, ValueError, KeyError) as error:
            row.why_not = str(error) or type(error).__name__
            print(row.why_not, file=sys.stderr)
        self.table.append(row)

    def python(self, who, name, algorithm, stops=FIXED, repeats=1, share=1):
        pixels = self.pixels if share == 1 else self.part_pixels
        _, rows = self.exact[algorithm, pixels]
        command = [sys.executable, HERE / "peer.py", name, self.raw, pixels, rows, repeats]

        def measure():
            out, peak = run(command, self.options.timeout)
            return json.loads(out), peak

        self.add(Row(who, algorithm, pixels, stops, share=share), measure)

    def mpi(self, algorithm, word, epsilon):
        ranks = self.options.cpus
        row = Row(f"C with MPI, {ranks} ranks, every pixel", algorithm, self.pixels, RULES[algorithm][1])
        if not self.options.mpi:
            row.why_not = "mpicc is not installed (apt-get install libopenmpi-dev openmpi-bin)"
            self.table.append(row)
            return
        # Open MPI refuses root, and fewer cores than ranks, unless told; other MPIs do not read these.
        environment = {
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1",
            "OMPI_MCA_hwloc_base_binding_policy": "none",
        }
        command = ["mpirun", "-n", ranks, self.options.mpi, word, self.raw, self.pixels, epsilon, REPEATS]

        def measure():
            out, peak = run(command, self.options.timeout, environment)
            # What an MPI has to say about the machine may come first.
            result = json.loads(out[out.index('{"seconds"') :])
            result["centers"].sort()
            return result, peak

        self.add(row, measure)

    def msvpu(self, algorithm, word, stop_on, epsilon):
        row = Row("**msvpu**", algorithm, self.pixels, RULES[algorithm][1])
        if not self.options.msvpu:
            row.why_not = "the command was not built"
            self.table.append(row)
            return
        centers = ",".join(str(center) for center in reference.CENTERS)
        command = [self.options.msvpu, "classify", self.png, "--algorithm", word, "--centers", centers]
        command += ["--stop-on", stop_on, "--epsilon", epsilon, "--no-images", "--json", "--quiet"]

        def measure():
            reports, peaks = [], []
            for _ in range(REPEATS):
                out, peak = run(command, self.options.timeout)
                reports.append(json.loads(out))
                peaks.append(peak)
            last = reports[-1]
            return {
                "seconds": [report["timings"]["fit_ms"] / 1000 for report in reports],
                "total_ms": statistics.median(r["timings"]["total_ms"] for r in reports),
                "rows": len(last["iterations"]),
                "centers": sorted(center for (center,) in last["centers"]),
            }, max(peaks)

        self.add(row, measure)

    def run(self):
        cmeans, fuzzy = RULES
        opencv = versioned("opencv-python-headless", "OpenCV")
        learn = versioned("scikit-learn", "scikit-learn")
        self.msvpu(cmeans, "cmeans", "center-sum", reference.CENTER_SUM_EPSILON)
        self.msvpu(fuzzy, "fuzzy-cmeans", "objective", reference.OBJECTIVE_EPSILON)
        for algorithm, name in [(cmeans, "cmeans"), (fuzzy, "fuzzy")]:
            self.python(
                f"{opencv} `calcHist`, then NumPy on the histogram",
                f"opencv-histogram-{name}",
                algorithm,
                stops=RULES[algorithm][1],
                repeats=REPEATS,
            )
        self.mpi(cmeans, "cmeans", reference.CENTER_SUM_EPSILON)
        self.mpi(fuzzy, "fuzzy", reference.OBJECTIVE_EPSILON)
        self.python(f"{opencv} `kmeans` (f32)", "opencv-kmeans", cmeans)
        self.python(f"{learn} `KMeans` (f32)", "scikit-learn-f32", cmeans)
        self.python(f"{learn} `KMeans` (f64)", "scikit-learn-f64", cmeans)
        fuzzy_peer = versioned("scikit-fuzzy", "scikit-fuzzy")
        self.python(f"{fuzzy_peer} `cmeans` (f64)", "scikit-fuzzy", fuzzy, share=SHARE)


def in_ms(seconds):
    milliseconds = seconds * 1000
    return f"{milliseconds:.2f}" if milliseconds < 100 else f"{milliseconds:,.0f}"


def cells(row, baseline):
    if row.why_not:
        return [row.who, row.algorithm, f"{row.pixels:,}", f"not measured: {row.why_not}"] + ["–"] * 6
    seconds = row.seconds * row.share
    note = f" (× {row.share}, extrapolated)" if row.share > 1 else ""
    deviation = max(abs(c - e) for c, e in zip(row.centers, row.exact, strict=True))
    return [
        row.who,
        row.algorithm,
        f"{row.pixels:,}",
        f"{in_ms(seconds)}{note}",
        f"{seconds / baseline:,.2f}" if baseline else "–",
        f"{row.repeats}",
        f"{row.rows}, {row.stops}",
        ", ".join(f"{center:.6f}" for center in row.centers),
        f"{deviation:.1e}",
        f"{row.peak_mib:,.0f}",
    ]


HEADINGS = (
    "who | algorithm | pixels | fit, ms | ÷ msvpu | runs | rows, stops when"
    " | centers found | max deviation from exact | peak memory, MiB"
)


def cpu_model():
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def markdown(comparison):
    options = comparison.options
    fits = {
        row.algorithm: row.seconds
        for row in comparison.table
        if row.who == "**msvpu**" and not row.why_not
    }
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield (
        f"{cpu_model()}, {options.cpus} CPUs, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"{datetime.date.today().isoformat()}; image {comparison.width} × {comparison.height}, 8 bit"
        + (" (`--quick`: a twentieth of the paper's pixels)" if options.quick else "")
    )
    yield ""
    yield f"| {HEADINGS} |"
    yield "|" + "---|" * len(HEADINGS.split(" | "))
    for row in comparison.table:
        yield f"| {' | '.join(cells(row, fits.get(row.algorithm)))} |"
    yield ""
    for algorithm in RULES:
        centers, rows = comparison.exact[algorithm, comparison.pixels]
        shown = ", ".join(f"{center:.6f}" for center in centers)
        yield f"Exact {algorithm} of this image: {rows} rows, centers {shown}."
    for row in comparison.table:
        if row.total_ms is not None:
            yield f"The whole `msvpu` command for {row.algorithm}, PNG in, report out: {row.total_ms:.0f} ms."


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the image is kept")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the pixels")
    parser.add_argument("--timeout", type=int, default=300, help="seconds that one peer may take")
    parser.add_argument("--mpi", help="the compiled cmeans_mpi; empty: not there")
    parser.add_argument("--msvpu", help="the command; empty: not there")
    options = parser.parse_args()
    options.cpus = len(os.sched_getaffinity(0))
    comparison = Comparison(options)
    comparison.run()
    print("\n".join(markdown(comparison)))
    # A peer that is missing is a gap in the table; a command that fails is an error.
    failed = [r for r in comparison.table if r.who == "**msvpu**" and r.why_not]
    return 1 if failed and options.msvpu else 0


if __name__ == "__main__":
    sys.exit(main())
