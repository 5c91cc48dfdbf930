"""Directories of entries: as good as a dictionary, and never half written to packets."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p4xdp.xdp.directory import LONGEST, ChainError, Directory, Form

FORM = Form(key_size=8, value_size=16, size=20)
KEYS = [number.to_bytes(8, "little") for number in range(30)]


class Fence:
    """Counts how often it was waited at."""

    def __init__(self):
        self.waits = 0

    def wait(self):
        self.waits += 1


class Memory:
    """Octets, and words of them. `seen` is called after each store, as a packet might come then."""

    def __init__(self, form):
        self.all = bytearray(form.cell_size * form.cells)
        self.stores = []
        self.seen = None

    def __getitem__(self, at):
        return bytes(self.all[at])

    def __setitem__(self, at, octets):
        assert len(octets) == at.stop - at.start
        # The order within is nobody's business: packets may see any part of it.
        for place in reversed(range(at.start, at.stop)):
            self.all[place] = octets[place - at.start]
            self._show()

    def _show(self):
        if self.seen is not None:
            self.seen()


class Words:
    def __init__(self, memory):
        self.memory = memory

    def __getitem__(self, at):
        return int.from_bytes(self.memory.all[4 * at : 4 * at + 4], "little")

    def __setitem__(self, at, word):
        self.memory.all[4 * at : 4 * at + 4] = word.to_bytes(4, "little")
        self.memory._show()


def directory(form=FORM):
    memory, fence = Memory(form), Fence()
    return Directory(memory, Words(memory), form, fence), memory, fence


def found(memory, form, key):
    """Return the value that a packet finds, as `directory.h` does."""
    factor, ones, mixed = 0x9E3779B97F4A7C15, (1 << 64) - 1, 0
    for at in range(0, form.key_size, 8):
        mixed = (mixed ^ int.from_bytes(key[at : at + 8], "little")) * factor & ones
        mixed ^= mixed >> 32
    place = (mixed * factor & ones) >> 32 & form.homes - 1
    key_at, end = form.value_size, form.value_size + form.key_size
    for step in range(LONGEST + 1):
        start = place * form.cell_size
        word = int.from_bytes(memory.all[start + end : start + end + 4], "little")
        is_there = step > 0 or word >> 31
        cell = memory.all[start : start + end]
        if is_there and cell[key_at:] == key:
            return bytes(cell[:key_at])
        place = word & (1 << 31) - 1
        if not place:
            return None
    raise AssertionError("a chain without end")


def value_of(number):
    return number.to_bytes(16, "big")


@pytest.mark.parametrize("form", [FORM, Form(24, 8, 200), Form(8, 120, 3), Form(16, 24, 1)])
def test_a_directory_at_random_is_a_dictionary(form):
    rng = random.Random(1)
    tried, memory, fence = directory(form)
    model = {}
    keys = [rng.randbytes(form.key_size) for _ in range(form.size + 5)]
    for number in range(4000):
        key = rng.choice(keys)
        value = number.to_bytes(form.value_size, "little")
        if key in model and rng.random() < 0.5:
            tried.delete(key)
            del model[key]
        elif key in model:
            tried.replace(key, value)
            model[key] = value
        elif len(model) < form.size:
            tried.insert({key: value})
            model[key] = value
        assert (key in tried) == (key in model)
        assert len(tried) == len(model)
    assert dict(tried.items()) == model
    assert {key: found(memory, form, key) for key in keys} == {key: model.get(key) for key in keys}
    assert fence.waits > 0
    again = Directory(memory, Words(memory), form, fence)
    again.recover()
    assert dict(again.items()) == model
    assert len(again) == len(model)
    for key in [key for key in keys if key not in model][: form.size - len(model)]:
        again.insert({key: bytes(form.value_size)})
        model[key] = bytes(form.value_size)
    assert {key: found(memory, form, key) for key in keys} == {key: model.get(key) for key in keys}


def test_every_place_of_the_declared_size_can_be_had_while_entries_change():
    tried, memory, fence = directory()
    full = {key: value_of(0) for key in KEYS[: FORM.size]}
    tried.insert(full)
    for number in range(1, 200):
        for key in full:
            tried.replace(key, value_of(number))
    assert {found(memory, FORM, key) for key in full} == {value_of(199)}
    assert 0 < fence.waits < 200


change = st.tuples(st.sampled_from(["insert", "replace", "delete"]), st.sets(st.sampled_from(KEYS)))


@settings(max_examples=60, deadline=None)
@given(st.lists(change, max_size=12), st.randoms(use_true_random=False))
def test_a_packet_between_any_two_stores_finds_what_was_or_what_is(changes, rng):
    tried, memory, _ = directory()
    model = {}
    for number, (kind, keys) in enumerate(changes):
        is_new = kind == "insert"
        wanted = [key for key in sorted(keys) if (key in model) != is_new]
        wanted = wanted[: FORM.size - len(model)] if is_new else wanted
        before, after = dict(model), dict(model)
        for key in wanted:
            after[key] = None if kind == "delete" else value_of(number)
        looked_for = rng.sample(KEYS, 6) + wanted

        def packet_comes(before=before, after=after, looked_for=looked_for):
            for key in looked_for:
                assert found(memory, FORM, key) in (before.get(key), after.get(key))

        memory.seen = packet_comes
        if is_new:
            tried.insert({key: value_of(number) for key in wanted})
        for key in () if is_new else wanted:
            tried.delete(key) if kind == "delete" else tried.replace(key, value_of(number))
        memory.seen = None
        model = {key: value for key, value in after.items() if value is not None}
        assert {key: found(memory, FORM, key) for key in KEYS} == {k: model.get(k) for k in KEYS}


@pytest.mark.parametrize("position", [0, 2, 4], ids=["at home", "in a chain", "at its start"])
@pytest.mark.parametrize("step", ["delete", "replace"])
def test_an_old_entry_stays_as_it_was_until_packets_are_past_it(position, step):
    form = Form(8, 8, 64)
    tried, memory, fence = directory(form)
    same = with_one_hash(tried, 6)
    other = same.pop()
    tried.insert({key: bytes(8) for key in same})
    start = tried._place(same[position]) * form.cell_size
    # Of what is at home, the word tells what else is there now.
    end = start + (16 if position == 0 else form.cell_size)
    kept = bytes(memory.all[start:end])
    if step == "delete":
        tried.delete(same[position])
    else:
        tried.replace(same[position], b"changed.")
    del same[position]
    tried.insert({other: bytes(8)})
    for key in same:
        tried.replace(key, b"changed.")
    for number in range(600):
        assert memory.all[start:end] == kept or fence.waits
        tried.replace(same[0], number.to_bytes(8, "little"))
    assert fence.waits
    assert memory.all[start:end] != kept


def test_entries_are_at_home_again_once_packets_are_past_what_was_there():
    form = Form(8, 8, 64)
    tried, memory, fence = directory(form)
    keys = [number.to_bytes(8, "little") for number in range(64)]
    tried.insert({key: bytes(8) for key in keys})

    def at_home():
        return sum(tried._place(key) == tried._home(key) for key in keys)

    before = at_home()
    assert 30 < before < 64
    for key in keys:
        tried.replace(key, b"changed.")
    assert (at_home(), fence.waits) == (0, 0)
    tried._wait()
    assert at_home() == before
    assert {found(memory, form, key) for key in keys} == {b"changed."}
    # Those who did not read the word yet are still at the places in the chains.
    assert all(place not in tried._places._free for place in tried._places._retired)


def test_what_packets_could_not_tell_apart_is_refused_as_a_whole():
    form = Form(8, 8, 400)
    tried, memory, _ = directory(form)
    same = with_one_hash(tried, LONGEST + 2)
    tried.insert({key: bytes(8) for key in same[:-2]})
    with pytest.raises(ChainError, match="256 entries have the same hash"):
        tried.insert({key: bytes(8) for key in same[-2:]})
    assert len(tried) == LONGEST
    assert found(memory, form, same[-2]) is None
    tried.insert({same[-1]: b"the last"})
    assert found(memory, form, same[-1]) == b"the last"
    assert found(memory, form, same[0]) == bytes(8)


def test_what_is_not_there_is_neither_changed_nor_removed():
    tried, memory, _ = directory()
    tried.insert({KEYS[1]: value_of(1)})
    for step in (lambda: tried.replace(KEYS[2], value_of(2)), lambda: tried.delete(KEYS[2])):
        before = bytes(memory.all)
        with pytest.raises(KeyError):
            step()
        assert bytes(memory.all) == before
    with pytest.raises(KeyError):
        tried[KEYS[2]]


def with_one_hash(tried, count):
    """Return keys of one chain."""
    keys = (number.to_bytes(8, "little") for number in range(10**7))
    return list(itertools.islice((key for key in keys if tried._home(key) == 7), count))
