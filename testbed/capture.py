"""Record what passes an interface of a lab into a pcap file, to explain a failure with."""

import socket
import threading
from pathlib import Path
from typing import Self

from scapy.utils import RawPcapWriter

from testbed import netns

_ETH_P_ALL = 3
_LINKTYPE_ETHERNET = 1
_POLL_S = 0.1


class Capture:
    """Records the first `max_frames` frames on one interface, each up to `snap_bytes`."""

    def __init__(
        self,
        namespace: str,
        interface: str,
        path: Path,
        *,
        max_frames: int = 2000,
        snap_bytes: int = 65535,
    ) -> None:
        with netns.entered(namespace):
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)
            )
            self._socket.bind((interface, _ETH_P_ALL))
        self._socket.settimeout(_POLL_S)
        self._path, self._max_frames, self._snap_bytes = path, max_frames, snap_bytes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._record, name=f"capture {interface}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _record(self) -> None:
        writer = RawPcapWriter(str(self._path), linktype=_LINKTYPE_ETHERNET)
        try:
            for _ in range(self._max_frames):
                frame = self._next_frame()
                if frame is None:
                    break
                writer.write(frame[: self._snap_bytes])
        finally:
            writer.close()
            self._socket.close()

    def _next_frame(self) -> bytes | None:
        while True:
            # What came before the end is recorded, however late this thread gets to it.
            is_last = self._stopped.is_set()
            try:
                return self._socket.recv(65535)
            except TimeoutError:
                if is_last:
                    return None
