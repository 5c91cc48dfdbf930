"""What commands show to people: tables in colour, from the documents of REST."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from rich.table import Table
from rich.text import Text

Document: TypeAlias = dict[str, Any]

_FULL, _BUSY = 0.9, 0.7


@dataclass(frozen=True, slots=True)
class Column:
    """A column and how it is made of a document."""

    title: str
    of: Callable[[Document], str | Text]
    is_number: bool = False


def table(title: str, columns: Sequence[Column], documents: Sequence[Document]) -> Table:
    """A table with one row a document."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        made.add_column(column.title, justify="right" if column.is_number else "left")
    for document in documents:
        made.add_row(*(column.of(document) for column in columns))
    return made


def _addresses(tunnels: Sequence[Document]) -> list[str]:
    return [tunnel["address"] for tunnel in tunnels]


def slices(documents: Sequence[Document]) -> Table:
    """Slices of `/v1/slices`."""
    columns = (
        Column("slice", lambda each: Text(each["name"], style="cyan")),
        Column("S-NSSAI", _snssai),
        Column("DNNs", lambda each: ", ".join(each["dnns"]) or "any"),
        Column(
            "sessions", lambda each: _of(each["sessions"], each["max_sessions"]), is_number=True
        ),
        Column("uplink Mbit/s", lambda each: _rate(each, "uplink"), is_number=True),
        Column("downlink Mbit/s", lambda each: _rate(each, "downlink"), is_number=True),
        Column("used up", lambda each: octets(each["usage"]["uplink_octets"]), is_number=True),
        Column("used down", lambda each: octets(each["usage"]["downlink_octets"]), is_number=True),
    )
    return table("Slices", columns, documents)


def sessions(documents: Sequence[Document]) -> Table:
    """Sessions of `/v1/sessions`."""
    columns = (
        Column("UP SEID", lambda each: Text(each["up_seid"], style="cyan")),
        Column("UE", _ue),
        Column("DNN", lambda each: each["dnn"] or "-"),
        Column("slice", lambda each: each["slice"] or "-"),
        Column("SMF", lambda each: each["cp_node_id"]),
        Column(
            "gNB", lambda each: ", ".join(t["address"] for t in each["remote_tunnels"]) or "idle"
        ),
        Column("up", lambda each: octets(each["usage"]["uplink_octets"]), is_number=True),
        Column("down", lambda each: octets(each["usage"]["downlink_octets"]), is_number=True),
        Column("age", lambda each: age(each["since"]), is_number=True),
    )
    return table("Sessions", columns, documents)


def _ue(document: Document) -> str:
    addresses = (document["ue_ipv4"], document["ue_ipv6"])
    return "\n".join(each for each in addresses if each is not None) or "-"


def associations(documents: Sequence[Document]) -> Table:
    """Associations of `/v1/associations`."""
    columns = (
        Column("SMF", lambda each: Text(each["node_id"], style="cyan")),
        Column("address", lambda each: each["address"]),
        Column("heartbeats", lambda each: _good(each["is_reachable"], "answered", "lost")),
        Column("sessions", lambda each: str(each["sessions"]), is_number=True),
        Column("age", lambda each: age(each["since"]), is_number=True),
    )
    return table("Associations", columns, documents)


def drops(documents: Sequence[Document]) -> Table:
    """Drops of `/v1/drops`."""
    columns = (
        Column("reason", lambda each: Text(each["reason"], style="cyan")),
        Column("where", lambda each: each["stage"]),
        Column("packets", lambda each: f"{each['packets']:,}", is_number=True),
        Column("volume", lambda each: octets(each["octets"]), is_number=True),
        Column("meaning", lambda each: each["meaning"]),
    )
    return table("Dropped packets", columns, documents)


def status(document: Document) -> Table:
    """The status of `/v1/status`."""
    made = Table.grid(padding=(0, 2))
    ready = _good(document["is_ready"], "ready", f"not ready: {document['reason']}")
    made.add_row("UPF", Text(document["node_id"], style="cyan"), ready)
    made.add_row("version", document["version"])
    made.add_row("running for", age(document["since"]))
    made.add_row("switch", document["target"])
    for name in ("associations", "sessions", "slices"):
        made.add_row(name, str(document[name]))
    return made


def figures(document: Document) -> Table:
    """Live figures of `/v1/figures`, for `upf top`."""
    made = Table.grid(padding=(1, 0))
    ready = _good(document["is_ready"], "ready", f"not ready: {document['reason']}")
    head = Text.assemble(
        "Tern ", ready, f"  {document['sessions']} sessions  {len(document['associations'])} SMFs"
    )
    made.add_row(head)
    made.add_row(_top_slices(document["slices"]))
    made.add_row(_top_ports(document["ports"]))
    dropping = [each for each in document["drops"] if each["packets_per_s"]]
    made.add_row(_top_drops(dropping) if dropping else Text("nothing is dropped", style="dim"))
    return made


def _top_slices(documents: Sequence[Document]) -> Table:
    columns = (
        Column("slice", lambda each: Text(each["name"] or "(no slice)", style="cyan")),
        Column(
            "sessions", lambda each: _of(each["sessions"], each["max_sessions"]), is_number=True
        ),
        Column("uplink Mbit/s", lambda each: _rate(each, "uplink"), is_number=True),
        Column("", lambda each: _bar(each, "uplink")),
        Column("downlink Mbit/s", lambda each: _rate(each, "downlink"), is_number=True),
        Column("", lambda each: _bar(each, "downlink")),
    )
    return table("Slices", columns, documents)


def _top_ports(documents: Sequence[Document]) -> Table:
    columns = (
        Column("port", lambda each: Text(each["name"], style="cyan")),
        Column("role", lambda each: each["role"]),
        Column("link", lambda each: _good(each["is_up"], "up", "down")),
        Column("in Mbit/s", lambda each: f"{each['rx_mbps']:.1f}", is_number=True),
        Column("in packets/s", lambda each: f"{each['rx_packets_per_s']:,.0f}", is_number=True),
        Column("out Mbit/s", lambda each: f"{each['tx_mbps']:.1f}", is_number=True),
        Column("out packets/s", lambda each: f"{each['tx_packets_per_s']:,.0f}", is_number=True),
    )
    return table("Ports", columns, documents)


def _top_drops(documents: Sequence[Document]) -> Table:
    columns = (
        Column("dropped for", lambda each: Text(each["reason"], style="cyan")),
        Column("where", lambda each: each["stage"]),
        Column("packets/s", lambda each: f"{each['packets_per_s']:,.0f}", is_number=True),
        Column("packets", lambda each: f"{each['packets']:,}", is_number=True),
    )
    return table("Drops", columns, documents)


def octets(number: float) -> str:
    """A volume in at most four digits: 999 B, 1.0 kB, 12.3 GB."""
    if number < 1000:
        return f"{number:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        number /= 1000
        if number < 1000:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} PB"


def age(since: str) -> str:
    """How long ago a time is: 42s, 5m03s, 7h05m, 3d04h."""
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()))
    for large, small, per_large, per_small in (
        ("d", "h", 86400, 3600),
        ("h", "m", 3600, 60),
        ("m", "s", 60, 1),
    ):
        if seconds >= per_large:
            return f"{seconds // per_large}{large}{seconds % per_large // per_small:02d}{small}"
    return f"{seconds}s"


def _snssai(document: Document) -> str:
    sst, sd = document["sst"], document["sd"]
    return "any" if sst is None else f"{sst}-{sd}" if sd else str(sst)


def _rate(document: Document, direction: str) -> Text:
    """Throughput of capacity, coloured by how full it is."""
    now, cap = document["throughput"][f"{direction}_mbps"], document[f"{direction}_mbps"]
    if cap is None:
        return Text(f"{now:.1f}")
    return Text(f"{now:.1f} of {cap:g}", style=_heat(now / cap))


def _bar(document: Document, direction: str, width: int = 16) -> Text:
    now, cap = document["throughput"][f"{direction}_mbps"], document[f"{direction}_mbps"]
    if cap is None:
        return Text("no limit", style="dim")
    share = min(1.0, now / cap)
    full = round(share * width)
    return Text("█" * full + "░" * (width - full), style=_heat(share))


def _of(number: int, limit: int | None) -> Text:
    if limit is None:
        return Text(str(number))
    return Text(f"{number} of {limit}", style=_heat(number / limit if limit else 1.0))


def _heat(share: float) -> str:
    return "red" if share >= _FULL else "yellow" if share >= _BUSY else "green"


def _good(is_good: bool, yes: str, no: str) -> Text:  # noqa: FBT001 - the question itself
    return Text(yes, style="green") if is_good else Text(no, style="bold red")
