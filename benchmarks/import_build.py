"""Import and build of simulated messages from CSV: seconds and peak memory of all processes.

    python -m benchmarks.import_build [--messages 1000000] [--csv FILE] [--jobs 2]

Writes the CSV into data/raw/ unless one is given, imports it into a fresh book, and prints one line
a stage. Peak memory is the largest sum of the resident memory of the process and its workers.
"""

import argparse
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from csnb.sources import import_export

ROOT = Path(__file__).parents[1]


def main():
    """Read the arguments, make the CSV if need be, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--jobs", type=int)
    chosen = parser.parse_args()
    csv = chosen.csv or ROOT / "data" / "raw" / f"messages-{chosen.messages}.csv"
    if not csv.is_file():
        maker = [sys.executable, "benchmarks/make_messages.py", str(csv), "--messages", str(chosen.messages)]
        subprocess.run(maker, cwd=ROOT, check=True)
    book = ROOT / "data" / "books" / "benchmark"
    shutil.rmtree(book, ignore_errors=True)
    with Watch() as watch:
        (imported,) = import_export(csv, "generic", book, jobs=chosen.jobs)
    shutil.rmtree(book)
    print(f"{imported.rows_read} messages, {csv.stat().st_size / 1e6:.0f} MB of CSV")
    print(f"import and build: {watch.seconds:.1f} s, {imported.rows_read / watch.seconds:,.0f} messages/s")
    print(f"peak memory: {watch.peak / 1e9:.2f} GB")


class Watch:
    """Measure the wall seconds of a block and the peak memory of this process and its children."""

    def __enter__(self):
        self.peak, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        self._started = time.perf_counter()
        return self

    def _look(self):
        """Sum the resident memory of the process tree ten times a second."""
        me = psutil.Process()
        while not self._over.wait(0.1):
            used = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    used += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, used)

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self._started
        self._over.set()
        self._thread.join()


if __name__ == "__main__":
    main()
