"""The most memory that one contestant needs beyond its data, measured in a fresh process (Linux only)."""

import subprocess
import sys
from pathlib import Path

from benchmarks.contest import Contestant

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MARK = "peak MiB:"


def peak_in_fresh_process(contest: str, contestant: str, dtype: str) -> float | None:
    """MiB by which the resident memory grew at its highest; None where the system does not tell."""
    script = str(Path(__file__).parents[1] / "benchmark.py")
    line = [sys.executable, script, "--only", contest, "--dtype", dtype, "--quick", "--peak-of", contestant]
    result = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    found = [text.removeprefix(MARK) for text in result.stdout.splitlines() if text.startswith(MARK)]
    return float(found[0]) if found else None


def print_peak(contestant: Contestant) -> None:
    """Run three times and print the growth, from a moment at which everything but the work is in memory."""
    try:
        CLEAR.write_text("5")  # the highest value begins again here: proc(5)
        before = _status("VmRSS")
    except OSError:
        return
    for _ in range(3):
        contestant.run()
    print(f"{MARK} {(_status('VmHWM') - before) / 1024:.1f}")


def _status(name: str) -> int:
    """A line of /proc/self/status, in KiB."""
    [line] = [line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])
