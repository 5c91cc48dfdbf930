"""Fuzz PFCP with plain Python: `python tests/fuzz/run.py --inputs 20000 --seed 1`.

Prints what was run; an input that breaks the rule is printed in hexadecimal and ends the run with
exit status 1.
"""

import argparse
import sys
import time
from pathlib import Path

from mutation import Mutator
from target import decode, everything

CORPUS = Path(__file__).parent / "corpus"
EVERYTHING_EACH = 16
"""Of so many inputs one goes through the endpoint too: the codec is what needs most."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report-every", type=int, default=1_000_000)
    arguments = parser.parse_args()
    seeds = [file.read_bytes() for file in sorted(CORPUS.iterdir())]
    began_s, decoded, octets = time.monotonic(), 0, b""
    try:
        for number, octets in enumerate(Mutator(arguments.seed, seeds), start=1):
            decoded += (decode if number % EVERYTHING_EACH else everything)(octets)
            if number % arguments.report_every == 0:
                report(number, decoded, began_s)
            if number == arguments.inputs:
                break
    except BaseException:
        print(f"broken by input {number}: {octets.hex()}", flush=True)
        raise
    report(arguments.inputs, decoded, began_s)


def report(inputs, decoded, began_s):
    took_s = time.monotonic() - began_s
    print(
        f"{inputs} inputs in {took_s:.0f} s: {decoded} decoded, {inputs - decoded} refused",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
