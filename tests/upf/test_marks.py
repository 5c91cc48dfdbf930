"""How slices are told apart on their way: entries of queues and markings."""

from __future__ import annotations

from upf import tables
from upf.marks import GUARANTEED_CLASS, GUARANTEED_QUEUE, MarkWriter, entries_of
from upf.slices import SNSSAI, Slice

VIDEO = Slice(name="video", s_nssai=SNSSAI(1), slice_id=3, dscp=18, excess_dscp=10)


def test_a_slice_without_marks_has_no_entries_where_there_are_no_queues():
    plain = Slice(name="plain", s_nssai=SNSSAI(1))
    assert entries_of(3, plain, has_queues=False) == ()
    assert entries_of(0, None, has_queues=False) == ()


def test_guaranteed_flows_of_every_slice_have_a_queue_of_their_own():
    for slice_id, held in ((0, None), (3, Slice(name="plain", s_nssai=SNSSAI(1)))):
        (entry,) = entries_of(slice_id, held, has_queues=True)
        assert entry == tables.entry(
            tables.Queue(slice_id, GUARANTEED_CLASS), tables.SetQueue(GUARANTEED_QUEUE)
        )


def test_what_exceeds_the_share_is_marked_apart_whatever_its_class():
    marks = {entry.key: entry.params for entry in entries_of(3, VIDEO, has_queues=False)}
    assert marks == {(3, 0, 0): (18,), (3, 1, 0): (18,), (3, 0, 1): (10,), (3, 1, 1): (10,)}


async def test_changes_write_what_differs_and_books_are_kept(target):
    writer = MarkWriter(target, has_queues=True)
    await writer.set_marks(0, None)
    await writer.set_marks(3, VIDEO)
    await writer.set_marks(3, VIDEO)
    assert len(target.plans) == 2
    assert writer.num_entries() == {
        tables.TABLES[tables.Queue]: 2,
        tables.TABLES[tables.Marking]: 4,
    }
    await writer.remove_marks(3)
    assert target.table("markings") == {}
    assert writer.num_entries() == {tables.TABLES[tables.Queue]: 1}
