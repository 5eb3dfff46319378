"""Messages between judge and submission: plain data comes back, everything else is refused."""

import json
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from octlessons.exercises.plain import copied, same
from octlessons.grading import wire


def split(message: bytes) -> tuple[bytes, bytes]:
    header, buffers = struct.unpack("<II", message[:8])
    assert len(message) == 8 + header + buffers
    return message[8 : 8 + header], message[8 + header :]


def there_and_back(value):
    return wire.decode(*split(wire.encode(value)))


_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**300), 2**300)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.binary(max_size=20)
)
_arrays = st_numpy.arrays(
    st_numpy.scalar_dtypes().filter(lambda t: t.kind in "biufcmMSU" and t.byteorder != ">"),
    st_numpy.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
)
_plain = st.recursive(
    _scalars | _arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_plain)
@settings(max_examples=300, deadline=None)
def test_plain_data_comes_back_as_it_was(value):
    value = copied(value)
    assert same(there_and_back(value), value)


def test_arrays_that_come_back_can_be_written_to_and_share_nothing():
    array = np.arange(6.0).reshape(2, 3)
    back = there_and_back(array)
    back[0, 0] = 99
    assert array[0, 0] == 0 and back.flags.writeable


@pytest.mark.parametrize("order", ["F", "C"])
def test_order_and_byte_order_do_not_change_values(order):
    array = np.asarray(np.arange(6).reshape(2, 3), ">i4", order=order)
    assert there_and_back(array).tolist() == array.tolist()


@given(st.binary(max_size=300), st.binary(max_size=50))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_plain_data_or_unreadable(header, buffers):
    try:
        value = wire.decode(header, buffers)
    except wire.Unreadable:
        return
    copied(value)


@pytest.mark.parametrize(
    ("header", "buffers"),
    [
        (["a", "<f8", [10**12]], bytes(8)),  # claims more than came
        (["a", "<f8", [2**40, 2**40]], b""),
        (["a", "<f8", [0, 10**30]], b""),
        (["a", "<f8", [-1]], b""),
        (["a", "<f8", [1.0]], bytes(8)),
        (["a", "<f8", [True]], bytes(8)),
        (["a", "|O", [1]], bytes(8)),
        (["a", "O", [1]], bytes(8)),
        (["a", "f8,f8", [1]], bytes(16)),
        (["a", "<U0", [3]], b""),
        (["a", "<U1", [1]], b"\xff\xff\xff\xff"),  # no such character
        (["a", "<U1", [1]], b"\x00\xd8\x00\x00"),  # half a character
        (["a", "|b1", [1]], b"\x02"),
        (["a", "<f8", [1]], bytes(16)),  # bytes left over
        (["b", 10], b"short"),
        (["b", -1], b""),
        (["i", "__import__('os')"], b""),
        (["i", "0x" + "f" * 200_000], b""),
        (["d", ["l"], 1], b""),  # a list is no key
        (["d", "key"], b""),
        (["d", *[x for k in range(2_000) for x in (["i", hex(k * (2**61 - 1) + 2**80)], 0)]], b""),
        (["d", *[x for k in range(2_000) for x in (["t", -1, k], 0)]], b""),
        (["d", *[x for k in range(2_000) for x in (k + 0.5, 0)]], b""),
        (["x", 1], b""),
        ([], b""),
        ({"a": 1}, b""),
        (["t", *[["t"]] * 3, {"$": "np"}], b""),
    ],
)
def test_lies_in_a_header_are_unreadable(header, buffers):
    with pytest.raises(wire.Unreadable):
        wire.decode(json.dumps(header).encode(), buffers)


@pytest.mark.parametrize(
    "header",
    [b"[" * 100_000, b'["l",' * 5_000 + b"1" + b"]" * 5_000, b"1" * 10_000, b"\xff\xfe", b"", b"{"],
)
def test_hostile_json_is_unreadable(header):
    with pytest.raises(wire.Unreadable):
        wire.decode(header, b"")


def test_a_shape_that_lies_allocates_nothing():
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(wire.Unreadable):
        wire.decode(b'["a","<f8",[1099511627775]]', b"12345678")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_nothing_is_encoded_that_is_not_plain():
    for value in (object(), {1, 2}, np.array([object()]), np.float64(1), lambda: 1):
        with pytest.raises(TypeError):
            wire.encode(value)


def test_what_is_too_large_is_refused_with_its_size():
    with pytest.raises(wire.TooLarge, match="80 MB"):
        wire.encode(np.zeros(10 * 2**20))


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_message_crosses_a_socket(pair):
    value = {"x": np.arange(200_000.0), "y": [1, "two"]}
    threading.Thread(target=wire.send, args=(pair[0], wire.encode(value))).start()
    assert same(wire.receive(pair[1], time.monotonic() + 10), value)


def test_the_deadline_holds_for_the_whole_message_however_it_drips(pair):
    ours, theirs = pair

    def drip():
        ours.sendall(struct.pack("<II", 1000, 0))
        for _ in range(40):
            try:
                ours.sendall(b"{")
            except OSError:
                return
            time.sleep(0.02)

    dripping = threading.Thread(target=drip)
    dripping.start()
    with pytest.raises(wire.Late):
        wire.receive(theirs, time.monotonic() + 0.2)
    theirs.close()
    dripping.join()


def test_an_announcement_that_is_too_large_is_not_waited_for(pair):
    pair[0].sendall(struct.pack("<II", 4_000_000_000, 0))
    with pytest.raises(wire.Unreadable):
        wire.receive(pair[1], time.monotonic() + 5)


def test_an_end_in_the_middle_is_noticed(pair):
    pair[0].sendall(struct.pack("<II", 100, 0) + b"abc")
    pair[0].close()
    with pytest.raises(wire.Closed):
        wire.receive(pair[1], time.monotonic() + 5)


def test_sending_to_nobody_ends_at_the_deadline(pair):
    with pytest.raises(wire.Late):
        wire.send(pair[0], wire.encode(np.zeros(2**20)), time.monotonic() + 0.2)
