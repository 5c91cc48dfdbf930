"""What a pipe of a Tofino has.

Numbers are those the open compiler works with, and where it uses less than there is, what it was
seen to use.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Limits of one pipe. Blocks are RAMs: SRAM 1,024 x 128 bits, TCAM 512 x 44 bits.

    Of a stage's SRAMs, a table that spreads over stages was seen to get `table_srams_per_stage`; of
    its map RAMs, arrays were seen to get `array_map_rams_per_stage`, and `array_map_rams_at_most`
    where none is above `small_array_map_rams` or all but one take `tiny_array_map_rams` together.
    The largest array was seen to have `array_words` of 128 bits, or `meter_cells` if it is a meter;
    the direct counter of a table that spreads over stages got `direct_map_rams` in each.
    """

    name: str
    title: str
    stages: int
    deparser_checksums: int
    array_words: int
    direct_map_rams: int
    srams_per_stage: int = 80
    table_srams_per_stage: int = 76
    tcams_per_stage: int = 24
    map_rams_per_stage: int = 48
    array_map_rams_per_stage: int = 38
    array_map_rams_at_most: int = 44
    small_array_map_rams: int = 16
    tiny_array_map_rams: int = 4
    meter_cells: int = 24576
    logical_tables_per_stage: int = 16
    ternary_tables_per_stage: int = 8
    counters_per_stage: int = 4
    meters_per_stage: int = 4
    hash_distributions_per_stage: int = 6
    exact_key_bytes_per_stage: int = 128
    ternary_key_bits: int = 524
    range_key_bits: int = 20
    gateway_bits: int = 44
    gateway_range_bits: int = 12
    action_data_bits: int = 1024
    egress_parse_octets: int = 160
    register_actions: int = 4


TARGETS = {
    target.name: target
    for target in (
        Target(
            "tofino",
            "Tofino 1",
            stages=12,
            deparser_checksums=6,
            array_words=35 * 1024,
            direct_map_rams=36,
        ),
        Target(
            "tofino2",
            "Tofino 2",
            stages=20,
            deparser_checksums=8,
            array_words=34 * 1024,
            direct_map_rams=18,
            meter_cells=32 * 1024,
        ),
    )
}
