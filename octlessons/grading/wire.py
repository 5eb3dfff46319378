"""Plain data as bytes, between the judge and a submission's process.

A message is a JSON header and the raw buffers of its arrays. Nothing is ever unpickled, no type
is looked up by name, and nothing larger than what has arrived is allocated: an array's shape must
account for exactly the bytes that came. Whatever the bytes are, `decode` gives plain data or
raises `Unreadable`.

In the header, which is UTF-8, None, booleans, floats, short integers and texts stand for
themselves; everything else is a list that begins with its kind::

    ["l", item, …]  ["t", item, …]   list, tuple
    ["d", key, value, …]             dict
    ["i", "123…"]                    integer of any size
    ["c", re, im]                    complex
    ["b", length]                    bytes, taken from the buffers
    ["a", dtype, shape]              array, taken from the buffers in C order
"""

from __future__ import annotations

import json
import math
import re
import socket
import struct
import time

import numpy as np

#: A request for a child: bytes of memory and seconds of processor time that it may use at most.
CHILD = struct.Struct("<QQ")

#: What a child may still use, to its supervisor: processor seconds, and seconds by the clock.
ALLOWANCE = struct.Struct("<dd")

#: What a child says once it is shut in, before it knows the submission.
READY = "ready"

#: Bytes that a header may have, and all arrays of a message together.
MOST_HEADER = 2 * 2**20
MOST_BUFFERS = 64 * 2**20

#: How deep lists and dicts may be nested; as in self-checks (`exercises.plain`), and one for the
#: envelope.
DEPTH = 24

# Keys of dicts in one message that are not plain names: numbers and tuples can be chosen so that
# their hashes are the same, and a dict of many such keys takes very long to build.
_MOST_ODD_KEYS = 1_000

_FRAME = struct.Struct("<II")
_SHORT = 2**53
_UTF8 = ("utf-8", "surrogatepass")

# One array type: byte order, kind, size, unit of time. Structured types and objects are not here.
_DTYPE = re.compile(
    r"\|b1|\|[iu]1|<[iu][248]|<f(?:2|4|8|16)|<c(?:8|16|32)|\|S\d{1,8}|<U\d{1,7}"
    r"|<[mM]8(?:\[(?:\d{1,9})?(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
)


class Unreadable(Exception):
    """Bytes that are not a message; the text says why."""


class TooLarge(Exception):
    """A value that has no room in a message; the text is a sentence about it."""


def encode(value) -> bytes:
    """Return the message for plain data, as `octlessons.exercises.plain.copied` gives it.

    Raises `TooLarge` if it does not fit, `TypeError` if it is not plain data.
    """
    buffers: list[bytes] = []
    tree = _Writer(buffers).put(value, 0)
    # Lone surrogates, which Python's texts may hold, travel as they are.
    header = json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode(*_UTF8)
    if len(header) > MOST_HEADER:
        raise TooLarge(_too_large(len(header)))
    return b"".join((_FRAME.pack(len(header), sum(map(len, buffers))), header, *buffers))


def _too_large(size: int) -> str:
    shown = math.ceil(10 * size / 2**20) / 10
    return (
        f"is too large: {shown:g} MB, where arrays may have {MOST_BUFFERS >> 20} MB and lists of "
        f"numbers {MOST_HEADER >> 20} MB"
    )


class _Writer:
    """Puts values into a header and their bytes into buffers; refuses before it copies."""

    def __init__(self, buffers: list[bytes]):
        self.buffers, self.size = buffers, 0

    def put(self, value, depth: int):
        if depth > DEPTH:
            raise TypeError("nested too deeply")
        kind = type(value)
        if value is None or kind in (bool, str, float):
            return value
        if kind is int:
            # Hexadecimal, because decimal digits of very large numbers are refused by Python.
            return value if -_SHORT < value < _SHORT else ["i", hex(value)]
        if kind is complex:
            return ["c", value.real, value.imag]
        if kind is bytes:
            self._room(len(value))
            self.buffers.append(value)
            return ["b", len(value)]
        if kind in (list, tuple):
            return ["l" if kind is list else "t", *(self.put(v, depth + 1) for v in value)]
        if kind is dict:
            items = [part for pair in value.items() for part in pair]
            return ["d", *(self.put(item, depth + 1) for item in items)]
        if kind is np.ndarray:
            self._room(value.nbytes)
            array = np.ascontiguousarray(value).reshape(value.shape)
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            name = array.dtype.str
            if not _DTYPE.fullmatch(name):
                raise TypeError(f"array of dtype {value.dtype}")
            self.buffers.append(array.tobytes())
            return ["a", name, list(array.shape)]
        raise TypeError(f"{kind.__name__} is not plain data")

    def _room(self, size: int) -> None:
        self.size += size
        if self.size > MOST_BUFFERS:
            raise TooLarge(_too_large(self.size))


def decode(header: bytes, buffers: bytes):
    """Return the plain data of a message, or raise `Unreadable` for any other bytes.

    Only None, bool, int, float, complex, str, bytes, list, tuple, dict and ndarray come out, of
    exactly these types. Arrays own their memory and are writable.
    """
    if len(header) > MOST_HEADER or len(buffers) > MOST_BUFFERS:
        raise Unreadable("it is larger than a message may be")
    try:
        tree = json.loads(header.decode(*_UTF8))
        reader = _Reader(buffers)
        value = reader.take(tree, 0)
    except Unreadable:
        raise
    except (ValueError, RecursionError, MemoryError, OverflowError, TypeError) as error:
        raise Unreadable(f"{type(error).__name__} in its header") from None
    if reader.at != len(buffers):
        raise Unreadable("its arrays do not account for the bytes that came")
    return value


class _Reader:
    """Takes values out of a header and their bytes out of the buffers, in order."""

    def __init__(self, buffers: bytes):
        self.buffers, self.at, self.odd_keys = memoryview(buffers), 0, 0

    def take(self, node, depth: int):
        if depth > DEPTH:
            raise Unreadable("it is nested too deeply")
        if node is None or type(node) in (bool, int, float, str):
            return node
        if type(node) is not list or not node or type(node[0]) is not str:
            raise Unreadable("a part of it has no kind")
        kind, parts = node[0], node[1:]
        if kind == "l":
            return [self.take(part, depth + 1) for part in parts]
        if kind == "t":
            return tuple(self.take(part, depth + 1) for part in parts)
        if kind == "d":
            return self._dict(parts, depth)
        if kind == "i" and len(parts) == 1 and type(parts[0]) is str:
            if not re.fullmatch(r"-?0x[0-9a-f]{1,100000}", parts[0]):
                raise Unreadable("an integer is not one")
            return int(parts[0], 16)
        if kind == "c" and len(parts) == 2 and all(type(part) in (int, float) for part in parts):
            return complex(*map(float, parts))
        if kind == "b" and len(parts) == 1:
            return bytes(self._bytes(parts[0]))
        if kind == "a" and len(parts) == 2:
            return self._array(*parts)
        raise Unreadable("a part of it is of no known kind")

    def _dict(self, parts: list, depth: int) -> dict:
        if len(parts) % 2:
            raise Unreadable("a dict has a key without a value")
        items = [self.take(part, depth + 1) for part in parts]
        keys = items[::2]
        if any(type(key) in (list, dict, np.ndarray) for key in keys):
            raise Unreadable("a dict has a key that cannot be one")
        self.odd_keys += sum(not _is_name(key) for key in keys)
        if self.odd_keys > _MOST_ODD_KEYS:
            raise Unreadable("its dicts have too many keys that are neither text nor small numbers")
        return dict(zip(keys, items[1::2], strict=True))

    def _bytes(self, length) -> memoryview:
        if type(length) is not int or not 0 <= length <= len(self.buffers) - self.at:
            raise Unreadable("it claims more bytes than came")
        self.at += length
        return self.buffers[self.at - length : self.at]

    def _array(self, name, shape) -> np.ndarray:
        if type(name) is not str or not _DTYPE.fullmatch(name):
            raise Unreadable("an array is of no known type")
        if type(shape) is not list or len(shape) > 32:
            raise Unreadable("an array has no shape")
        if any(type(n) is not int or not 0 <= n < 2**40 for n in shape):
            raise Unreadable("an array has no possible shape")
        dtype = np.dtype(name)
        size = math.prod(shape) * dtype.itemsize
        if dtype.itemsize == 0:
            raise Unreadable("an array has items of no size")
        raw = self._bytes(size)
        array = np.frombuffer(raw, dtype=dtype).copy().reshape(shape)
        return _checked(array)


def _is_name(key) -> bool:
    """Whether a key's hash is its own, or salted."""
    if type(key) is int:
        return abs(key) < _SHORT
    return key is None or type(key) in (str, bytes, bool)


def _checked(array: np.ndarray) -> np.ndarray:
    """Refuse bit patterns that are no value of the type."""
    kind = array.dtype.kind
    if kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise Unreadable("a boolean is neither true nor false")
    if kind == "U" and array.size:
        points = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
        if ((points > 0x10FFFF) | ((points >= 0xD800) & (points < 0xE000))).any():
            raise Unreadable("a text holds characters that do not exist")
    return array


class Closed(Exception):
    """The other side has ended."""


class Late(Exception):
    """The deadline has passed."""


def send(channel: socket.socket, message: bytes, deadline: float | None = None) -> None:
    """Send a message from `encode` until a deadline of `time.monotonic`; `Closed` or `Late`."""
    rest = memoryview(message)
    while rest:
        _until(channel, deadline)
        try:
            rest = rest[channel.send(rest[: 2**20]) :]
        except TimeoutError:
            raise Late from None
        except OSError:
            raise Closed from None


def receive(channel: socket.socket, deadline: float | None = None):
    """Receive one message and decode it: plain data, or `Closed`, `Late` or `Unreadable`.

    The deadline, of `time.monotonic`, is for the whole message: drip by drip does not prolong it.
    After `Unreadable` the channel is of no more use.
    """
    lengths = _FRAME.unpack(_exactly(channel, _FRAME.size, deadline))
    if lengths[0] > MOST_HEADER or lengths[1] > MOST_BUFFERS:
        raise Unreadable("it claims to be larger than a message may be")
    return decode(*(_exactly(channel, length, deadline) for length in lengths))


def _exactly(channel: socket.socket, length: int, deadline: float | None) -> bytes:
    # Grows with what arrives, not with what was announced.
    data = bytearray()
    while len(data) < length:
        _until(channel, deadline)
        try:
            part = channel.recv(min(length - len(data), 2**20))
        except TimeoutError:
            raise Late from None
        except OSError:
            raise Closed from None
        if not part:
            raise Closed
        data += part
    return bytes(data)


def _until(channel: socket.socket, deadline: float | None) -> None:
    if deadline is None:
        channel.settimeout(None)
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise Late
    channel.settimeout(left)
