"""Plain data as bytes, between the judge and a submission's process.

A message is a JSON header and the raw buffers of its arrays. Nothing is ever unpickled, no type
is looked up by name, and nothing larger than what has arrived is allocated: an array's shape must
account for exactly the bytes that came. Whatever the bytes are, `decode` gives plain data or
raises `Unreadable`.

In the header None, booleans, floats, short integers and texts stand for themselves; everything
else is a list that begins with its kind::

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
    """Return the message for a piece of plain data.

    Parameters
    ----------
    value : plain data
        As `octlessons.exercises.plain.copied` gives it.

    Returns
    -------
    bytes

    Raises
    ------
    TooLarge
        If it does not fit into a message.
    TypeError
        If it is not plain data.
    """
    buffers: list[bytes] = []
    header = json.dumps(_put(value, buffers, 0), separators=(",", ":")).encode()
    size = sum(map(len, buffers))
    if len(header) > MOST_HEADER or size > MOST_BUFFERS:
        raise TooLarge(
            f"is too large: {max(len(header), size) / 2**20:.0f} MB, where arrays may have "
            f"{MOST_BUFFERS >> 20} MB and lists of numbers {MOST_HEADER >> 20} MB"
        )
    return b"".join((_FRAME.pack(len(header), size), header, *buffers))


def _put(value, buffers: list[bytes], depth: int):
    if depth > DEPTH:
        raise TypeError("nested too deeply")
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        # Lone surrogates travel as JSON escapes.
        return value
    if kind is int:
        # Hexadecimal, because decimal digits of very large numbers are refused by Python itself.
        return value if -_SHORT < value < _SHORT else ["i", hex(value)]
    if kind is float:
        return value
    if kind is complex:
        return ["c", value.real, value.imag]
    if kind is bytes:
        buffers.append(value)
        return ["b", len(value)]
    if kind is list or kind is tuple:
        return ["l" if kind is list else "t", *(_put(item, buffers, depth + 1) for item in value)]
    if kind is dict:
        items = [part for pair in value.items() for part in pair]
        return ["d", *(_put(item, buffers, depth + 1) for item in items)]
    if kind is np.ndarray:
        array = np.ascontiguousarray(value).reshape(value.shape)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        name = array.dtype.str
        if not _DTYPE.fullmatch(name):
            raise TypeError(f"array of dtype {value.dtype}")
        buffers.append(array.tobytes())
        return ["a", name, list(array.shape)]
    raise TypeError(f"{kind.__name__} is not plain data")


def decode(header: bytes, buffers: bytes):
    """Return the plain data of a message.

    Parameters
    ----------
    header : bytes
        At most `MOST_HEADER`.
    buffers : bytes
        At most `MOST_BUFFERS`.

    Returns
    -------
    plain data
        Only None, bool, int, float, complex, str, bytes, list, tuple, dict and ndarray, of exactly
        these types. Arrays own their memory and are writable.

    Raises
    ------
    Unreadable
        For any other bytes.
    """
    if len(header) > MOST_HEADER or len(buffers) > MOST_BUFFERS:
        raise Unreadable("it is larger than a message may be")
    try:
        tree = json.loads(header.decode("utf-8"))
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
    """Send one message.

    Parameters
    ----------
    channel : socket
    message : bytes
        From `encode`.
    deadline : float, optional
        Of `time.monotonic`, for the whole message.

    Raises
    ------
    Closed, Late
    """
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
    """Receive one message and decode it.

    Parameters
    ----------
    channel : socket
    deadline : float, optional
        Of `time.monotonic`, for the whole message: drip by drip does not prolong it.

    Returns
    -------
    plain data

    Raises
    ------
    Closed, Late
    Unreadable
        If it is not a message. The channel is of no more use then.
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
