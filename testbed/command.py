"""Programs of the host (ip, ethtool, ping): run one, in a network namespace or in ours.

`nsenter --net` is used rather than `ip netns exec`: the latter also mounts a fresh /sys, which
hides the bpf file system the UPF pins its maps in.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from testbed.errors import CommandError

#: Where `python -m testbed.…` finds us, installed or not.
PROJECT = Path(__file__).resolve().parents[1]

#: Debian package of each program the lab starts, for the message that says what to install.
PACKAGES = {
    "bpftool": "bpftool",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "iperf3": "iperf3",
    "nsenter": "util-linux",
    "ping": "iputils-ping",
    "tshark": "tshark",
}


def in_namespace(namespace: str | None, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in the network namespace of that name."""
    if namespace is None:
        return list(argv)
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv]


def spawn(
    argv: Sequence[str],
    *,
    namespace: str | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program that runs beside us. It is in a session of its own: Ctrl-C is ours to answer.

    Raises CommandError if it is not installed.
    """
    try:
        return subprocess.Popen(
            in_namespace(namespace, argv),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=PROJECT,
            start_new_session=True,
        )
    except FileNotFoundError as missing:
        raise _not_installed(missing) from missing


def stop(process: subprocess.Popen[bytes], timeout_s: float = 5.0) -> int:
    """End a program with SIGTERM, with SIGKILL if that does not help; return its exit status."""
    process.terminate()
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _not_installed(missing: FileNotFoundError) -> CommandError:
    name = str(missing.filename)
    return CommandError(f"{name} is not installed: apt-get install {PACKAGES.get(name, name)}")


def run(
    *argv: str, namespace: str | None = None, timeout_s: float = 30.0, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return its output.

    Raises CommandError if it is not installed, takes longer than `timeout_s`, or (with `check`)
    ends with a status other than 0.
    """
    where = f" in namespace {namespace}" if namespace else ""
    try:
        ended = subprocess.run(
            in_namespace(namespace, argv),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as missing:
        raise _not_installed(missing) from missing
    except subprocess.TimeoutExpired as slow:
        raise CommandError(f"`{' '.join(argv)}`{where} took more than {timeout_s:g} s") from slow
    if check and ended.returncode != 0:
        told = (ended.stderr or ended.stdout).strip()
        raise CommandError(f"`{' '.join(argv)}`{where} ended with {ended.returncode}: {told}")
    return ended
