"""Give every reader inputs that are wrong in drawn ways: each is read, or refused by one clear error.

Every reader works in a process of its own, so that one that brings its library down is counted and named.

    python tests/fuzz/campaign.py --inputs 2000 --seed 1
    python tests/fuzz/campaign.py --reader mask --inputs 5000 --keep /tmp/faults
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from readers import READERS, Reader  # type: ignore[import-not-found]

from ptycho.commands.failure import EXIT_BAD_INPUT, describe
from ptycho.files.printable import printable_lines

SECONDS, MEGABYTES = 15.0, 500
"""What one input may cost; the address space may grow by more: libraries reserve what they do not use."""

PATIENCE_S = 120.0
"""Those were of the processor, for the machine may be busy; who waits for something is found by these."""

ADDRESS_BYTES = 2 * 2**30
LONGEST_ERROR = 20_000
MOST_TOLD = 20
ACCEPTED, REFUSED, FAULT = "accepted", "refused", "fault"
_TOO_GENERAL = (
    "there is not enough memory",
    "the input is nested too deeply",
    "a number in the input is too large",
)


class TooSlowError(BaseException):
    """An input took longer than it may; not an Exception, so that no reader takes it for one of its own."""


def main() -> int:
    """Run the campaign and print its table; 1 where an input found a fault."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=2000, help="inputs of all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", action="append", choices=sorted(READERS), help="this one alone")
    parser.add_argument(
        "--without-frameworks", action="store_true", help="no reader that needs torch or TensorFlow"
    )
    parser.add_argument("--keep", type=Path, help="folder for the inputs that found faults")
    given = parser.parse_args()
    names = given.reader or [
        name for name, reader in READERS.items() if not (given.without_frameworks and reader.framework)
    ]
    weight = sum(READERS[name].share for name in names)
    failed = False
    print("reader           inputs   read  refused  faults  seconds  slowest    MB")
    for name in names:
        count = max(1, round(given.inputs * READERS[name].share / weight))
        counts, faults, seconds, slowest, peak = campaign(READERS[name], given.seed, count, given.keep)
        print(
            f"{name:<16} {count:>6} {counts[ACCEPTED]:>6} {counts[REFUSED]:>8} {counts[FAULT]:>7} "
            f"{seconds:>8.1f} {slowest:>8.2f} {peak:>5.0f}",
            flush=True,
        )
        for fault in faults[:MOST_TOLD]:
            print(fault)
        if len(faults) > MOST_TOLD:
            print(f"  and {len(faults) - MOST_TOLD} more")
        failed = failed or bool(faults)
    return int(failed)


def campaign(
    reader: Reader, seed: int, count: int, keep: Path | None
) -> tuple[Counter[str], list[str], float, float, float]:
    """Run a reader in processes of its own; one that dies is followed by another, from the next input on.

    Returns:
        Outcomes, what is wrong in words, seconds in all, those of the slowest input, and the largest memory
        of an input in MB.
    """
    began = time.perf_counter()
    counts: Counter[str] = Counter()
    faults: list[str] = []
    slowest, peak, first = 0.0, 0.0, 0
    while first < count:
        rows, code = _in_child(lambda tell, start=first: _work(reader, seed, range(start, count), keep, tell))
        for row in rows:
            counts[row["outcome"]] += 1
            slowest, peak = max(slowest, row["seconds"]), max(peak, row["megabytes"])
            if row["outcome"] == FAULT:
                faults.append(f"  {reader.name} --seed {seed}, input {row['number']}: {row['what']}")
        first += len(rows)
        if first < count:
            counts[FAULT] += 1
            faults.append(f"  {reader.name} --seed {seed}, input {first}: the process ended with {code}")
            first += 1
    return counts, faults, time.perf_counter() - began, slowest, peak


def _in_child(work: Callable[[Callable[[Any], None]], None]) -> tuple[list[dict[str, Any]], int]:
    """Do work in a child; give the rows that it told, and its exit code."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as stream:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)

            def tell(row: Any) -> None:
                stream.write(json.dumps(row) + "\n")
                stream.flush()

            code = 1
            try:
                work(tell)
                code = 0
            except BaseException:  # noqa: BLE001  A child that goes on would be a second parent.
                os.write(2, traceback.format_exc().encode())
            finally:
                stream.flush()
                os._exit(code)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    return rows, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _work(reader: Reader, seed: int, numbers: range, keep: Path | None, tell: Callable[[Any], None]) -> None:
    for signum in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(signum, _too_slow)
    warnings.simplefilter("ignore")
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        reader.begin(Path(folder))
        limit = _status("VmSize") * 2**10 + ADDRESS_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for number in numbers:
            path = reader.make(random.Random(f"{reader.name} {seed} {number}"), Path(folder))
            tell({"number": number, **_judge(reader, path, keep, f"{reader.name}-{seed}-{number}")})


def _judge(reader: Reader, path: Path, keep: Path | None, name: str) -> dict[str, Any]:
    _forget_peak()
    before, began = _status("VmRSS"), time.process_time()
    timers = {signal.ITIMER_PROF: SECONDS, signal.ITIMER_REAL: PATIENCE_S}
    for timer, seconds in timers.items():
        signal.setitimer(timer, seconds)
    try:
        outcome, what = _outcome(reader, path)
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
    seconds = time.process_time() - began
    megabytes = (_status("VmHWM") - before) / 2**10
    if megabytes > MEGABYTES:
        outcome, what = FAULT, f"it took {megabytes:.0f} MB; {what}"
    if outcome == FAULT and keep is not None and path.is_file():
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{name}{path.suffix}").write_bytes(path.read_bytes())
    return {"outcome": outcome, "what": what, "seconds": seconds, "megabytes": megabytes}


def _outcome(reader: Reader, path: Path) -> tuple[str, str]:
    try:
        reader.read(path)
    except TooSlowError as error:
        return FAULT, f"it took more than {SECONDS} s: {_last_line(error)}"
    except Exception as error:  # noqa: BLE001  Which ones come is what is asked here.
        fault = fault_of(error, path, reader)
        return (FAULT, f"{fault} ({_last_line(error)})") if fault else (REFUSED, "")
    return ACCEPTED, ""


def fault_of(error: Exception, path: Path, reader: Reader) -> str:
    """Say what is wrong with an error: it must be foreseen, name the file, be short, and show no control."""
    text, code = describe(error)
    shown = printable_lines(text)
    if code != EXIT_BAD_INPUT:
        return f"an unforeseen {type(error).__name__}: {str(error)[:200]}"
    if text.startswith(_TOO_GENERAL):
        return f"{type(error).__name__} without a file: {text[:200]!r}"
    if not any(name in text for name in (path.name, reader.beside) if name):
        return f"the error does not name the file: {text[:300]!r}"
    if len(text) > LONGEST_ERROR:
        return f"the error has {len(text)} letters"
    if any(not letter.isprintable() and letter != "\n" for letter in shown):
        return f"the error holds control characters: {shown[:200]!r}"
    return ""


def _last_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/ptycho" in frame.filename or "/ptyconf" in frame.filename]
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in (ours or frames)[-3:])


def _too_slow(*_: object) -> None:
    raise TooSlowError


def _forget_peak() -> None:
    """Let the system count the largest memory anew, where it can."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")


def _status(name: str) -> int:
    """Read a number of kB from what the system says about this process; 0 where it says nothing."""
    path = Path("/proc/self/status")
    if not path.exists():
        return 0
    lines = (line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(next(lines).split()[1])


if __name__ == "__main__":
    sys.exit(main())
