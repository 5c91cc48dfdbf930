"""A bounded run of the plain fuzzer, and proof that it would tell."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BOUND_S = 300
INPUTS = 20_000


def run(*words, code=None):
    command = [sys.executable, "-c", code] if code else [sys.executable, str(HERE / "run.py")]
    return subprocess.run(
        [*command, *map(str, words)], capture_output=True, text=True, timeout=BOUND_S, check=False
    )


def test_no_octets_give_anything_but_a_value_or_a_decode_error():
    result = run("--inputs", INPUTS, "--seed", 7)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith(f"{INPUTS} inputs in ")
    decoded = int(result.stdout.split(": ")[1].split()[0])
    # Else the inputs would be too broken, or too sound, to say anything.
    assert 0.05 * INPUTS < decoded < 0.8 * INPUTS


def test_a_fault_ends_the_run_and_shows_its_input():
    planted = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import target
from pfcp import messages
real = messages.decode
def faulty(octets):
    if len(octets) % 17 == 3:
        raise KeyError("planted")
    return real(octets)
messages.decode = faulty
import run
sys.argv = ["run.py", "--inputs", "5000"]
run.main()
"""
    result = run(code=planted)
    assert result.returncode == 1
    assert result.stdout.startswith("broken by input ")
    bytes.fromhex(result.stdout.split(": ")[1])
    assert "KeyError: 'planted'" in result.stderr
