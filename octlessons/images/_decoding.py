"""One file to pixels: what a JPEG, PNG, TIFF or BMP holds, upright and in one depth."""

from __future__ import annotations

import errno
import io
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from octlessons.errors import OctlessonsError

FORMATS = ("JPEG", "PNG", "TIFF", "BMP")
_END_MARKERS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_TAIL = 64  # bytes at the end of a file that must hold its end marker
_ORIENTATION = 274
_MAX_SAMPLE_VALUE = 281
_NO_DATA = 1e38  # Heidelberg writes the largest float, 3.4e38, where there is no measurement
_OVERSHOOT = 0.01  # rounding may leave 0…1 by this much
# How often each length of a code occurs in the usual table of brightness: see `_is_damaged_jpeg`.
_USUAL_CODES = bytes.fromhex("0002010303020403050504040000017d")

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # damage is told by us


class Unusable(Exception):
    """Why a file cannot be used: a kind to count by, and a sentence."""

    def __init__(self, kind: str, reason: str):
        super().__init__(reason)
        self.kind, self.reason = kind, reason


@dataclass
class Header:
    """What is known of an image before its pixels are decoded."""

    format: str
    size: tuple[int, int]  # height and width, upright
    turned: bool
    deep: bool  # more than 8 bits, or floating point
    pages: bool
    bits: int | None  # of the values, where the file says so
    inverted: bool  # deep values that grow from white to black
    decode: Callable[[], np.ndarray]  # upright, without transparency, (h, w) or (h, w, 3)


def open_image(stream: IO[bytes], max_pixels: int, page: int = 0) -> Header:
    """Read the header; raises `Unusable`, or whatever Pillow and tifffile raise on damage."""
    start = stream.read(8)
    stream.seek(0)
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        header = _open_tiff(stream, page)
    else:
        header = _open_by_pillow(stream)
    height, width = header.size
    if height * width > max_pixels:
        claim = f"Its header claims {width:,} × {height:,} px"
        raise Unusable("dimensions", f"{claim}, more than the {max_pixels:,} px allowed.")
    return header


def tail_of(stream: IO[bytes]) -> tuple[int, bytes]:
    """How many bytes a file has, and the last of them."""
    n_bytes = stream.seek(0, os.SEEK_END)
    if n_bytes == 0:
        raise Unusable("empty", "The file has no bytes.")
    stream.seek(max(0, n_bytes - _TAIL))
    tail = stream.read()
    stream.seek(0)
    return n_bytes, tail


def ends_well(format: str, tail: tuple[int, bytes]) -> bool:
    """Whether the end marker of its format is at the end of a file."""
    return format in _END_MARKERS and _END_MARKERS[format] in tail[1]


def bits_needed(top: float) -> int:
    """The smallest even number of bits, at least 8, whose values reach `top`."""
    bits = int(top).bit_length()
    return max(8, bits + bits % 2)


def check_values(values: np.ndarray) -> None:
    """Refuse deep values that have no place between black and white; how to mend it."""
    if values.dtype.kind == "u" or not values.size:
        return
    whole = values.dtype.kind == "i"
    there = values if whole else values[np.abs(values) < _NO_DATA]  # not NaN either
    low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 0.0)
    why = ""
    if whole and low < 0:
        why = "; brightness starts at 0: add an offset, one for all files."
    elif not whole and not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):
        why = ", and floating-point values from 0 to 1: "
        why += "scale them, by the same two limits in all files."
    elif not whole and 0 < high < 0.5 / 255:
        why = ", so that all would be black: scale them to 0…1, by one factor for all files."
    if why:
        raise Unusable("range", f"Its values go from {low:.4g} to {high:.4g}{why}")


def as_8_bits(values: np.ndarray, bits: int, inverted: bool = False) -> np.ndarray:
    """Bring deep values to 0…255: whole numbers from 0…2**bits - 1, floats from 0…1."""
    check_values(values)
    full = 1 if values.dtype.kind == "f" else 2**bits - 1
    there = np.abs(values) < _NO_DATA
    scaled = np.where(there, values, 0).astype(np.float64).clip(0, full)
    scaled = full - scaled if inverted else scaled
    return np.where(there, np.round(scaled * (255 / full)), 0).astype(np.uint8)


def luma(colour: np.ndarray) -> np.ndarray:
    """Brightness of colour by ITU-R BT.601, with Pillow's own weights; dtype kept."""
    if colour.dtype.kind == "f":
        return colour @ np.array([0.299, 0.587, 0.114], colour.dtype)
    weights = np.array([19595, 38470, 7471], np.uint64)
    return ((colour.astype(np.uint64) @ weights + 0x8000) >> 16).astype(colour.dtype)


def pixels(header: Header, bits: int | None, grey: bool) -> np.ndarray:
    """Decode to uint8, (h, w) or (h, w, 3); without `bits` by the image's own largest value."""
    from PIL import Image

    values = header.decode()
    if values.dtype == np.uint8:
        if grey and values.ndim == 2:
            return values
        return np.asarray(Image.fromarray(values).convert("L" if grey else "RGB"))
    if values.dtype.kind != "f" and bits is None:
        bits = max(header.bits or 8, bits_needed(values.max(initial=0)))
    if values.ndim == 3 and grey:
        values = luma(values)
    flat = as_8_bits(values, bits or 8, header.inverted)
    return flat if grey or flat.ndim == 3 else np.repeat(flat[:, :, None], 3, axis=2)


def read_image(
    path: str | os.PathLike,
    *,
    grey: bool = True,
    max_pixels: int = 50_000_000,
    bits: int | None = None,
    page: int = 0,
) -> np.ndarray:
    """Read one image file as 8-bit pixels.

    Parameters
    ----------
    path : path
        JPEG, PNG, TIFF or BMP.
    grey : bool
        Give (h, w), colour reduced to luma; otherwise (h, w, 3).
    max_pixels : int
        Refuse images with more pixels than this.
    bits : int, optional
        Bits of the values of deeper images, such as 12 for 0…4,095: these become 0…255. Without
        it: what the file declares, and at least the smallest even number that holds its largest
        value. Give the same for all images of a set, as `read_folder` does.
    page : int
        Which page of a TIFF with several, from 0.

    Returns
    -------
    ndarray of uint8
        Upright (orientation in EXIF or XMP applied), without transparency, black low and white
        high. Floating-point values from 0 to 1 become 0…255; NaN, infinity and the largest float
        mean "no data" and become 0.

    Raises
    ------
    OctlessonsError
        If the file is missing, damaged, too large, not an image, or holds negative whole numbers
        or floats outside 0…1; the sentence names it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own remarks about metadata and size
        try:
            with open(path, "rb") as stream:  # by its path, Pillow scrambles some turned TIFFs
                return pixels(open_image(stream, max_pixels, page), bits, grey)
        except Exception as error:
            problem = why_unusable(error)
            raise OctlessonsError(
                f"{shown(path)} cannot be read: {problem.reason} Replace or remove the file, "
                "then read the folder again."
            ) from error


# ------------------------------------------------------------------------- 8 bits, and PNG of 16


def _open_by_pillow(stream: IO[bytes], page: int = 0) -> Header:
    from PIL import Image

    image: Any = Image.open(stream, formats=FORMATS)
    if page:
        image.seek(page)
    if image.mode == "LAB":
        raise Unusable("colour", "Its colours are CIE Lab: save it as grey or RGB.")
    tiff = image.format == "TIFF"
    width, height = (image.tag_v2[256], image.tag_v2[257]) if tiff else image.size
    orientation = _orientation(image)
    chunks = _png_chunks(stream) if image.format == "PNG" else {}
    deep = image.mode.startswith(("I", "F")) or _rawmode(image).endswith((";16B", ";16L", ";16N"))

    def decode() -> np.ndarray:
        values = _load(image, stream, deep)
        # Pillow turns TIFFs by itself; the EXIF of a PNG may come after its pixels.
        return values if tiff else _turned(values, _orientation(image))

    if "late" in chunks:
        image.load()
        orientation = _orientation(image)
        stream.seek(0)
        image = Image.open(stream, formats=FORMATS)
        image.info["exif"] = chunks["late"]
    return Header(
        format=str(image.format),
        size=(width, height) if orientation >= 5 else (height, width),
        turned=orientation != 1,
        deep=deep,
        pages=tiff and getattr(image, "n_frames", 1) > 1,
        bits=chunks.get("bits"),
        inverted=tiff and image.tag_v2.get(262) == 0,
        decode=decode,
    )


def _load(image: Any, stream: IO[bytes], deep: bool) -> np.ndarray:
    """Pixels as stored, (h, w) or (h, w, 3), transparency dropped."""
    rawmode = _rawmode(image)
    if deep and rawmode.startswith("LA;16"):
        # As four channels of 8 bits: both bytes of the grey value, both of its transparency.
        image._mode = "RGBA"
        _set_rawmode(image, "RGBA")
        parts = np.asarray(image).astype(np.uint16)
        return parts[:, :, 0] << 8 | parts[:, :, 1]
    if deep and rawmode.startswith(("RGB", "CMYK")):
        return _both_bytes(image, stream, rawmode)
    image.load()
    if deep:
        values = np.asarray(image)
        unsigned = image.format == "TIFF" and 1 in image.tag_v2.get(339, (1,))
        values = values.view(np.uint32) if unsigned and values.dtype == np.int32 else values
        return values.astype(values.dtype.newbyteorder("="))
    if image.format == "JPEG" and _is_cut_jpeg(image, stream):
        raise Unusable("truncated", "The image breaks off before its end.")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    if image.mode not in ("1", "L", "LA"):
        return np.asarray(image.convert("RGB"))
    return np.asarray(image if image.mode == "L" else image.convert("L"))


def _both_bytes(image: Any, stream: IO[bytes], rawmode: str) -> np.ndarray:
    """Colour of 16 bits, of which Pillow keeps the upper 8: decoded twice, once for each byte."""
    from PIL import Image

    if not rawmode.startswith("RGB") or "a;" in rawmode:
        raise Unusable("colour", f"It has 16 bits per colour ({rawmode}): save it as RGB or grey.")
    bytes_ = []
    for order in ("16L", "16B"):  # each takes one byte as the upper one
        stream.seek(0)
        again: Any = Image.open(stream, formats=FORMATS)
        _set_rawmode(again, rawmode.split(";")[0] + ";" + order)
        bytes_.append(np.asarray(again)[:, :, :3].astype(np.uint16))
    little = ";16L" in rawmode or (";16N" in rawmode and np.little_endian)
    high, low = bytes_ if little else bytes_[::-1]
    return high << 8 | low


def _rawmode(image: Any) -> str:
    args = image.tile[0].args if image.tile else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def _set_rawmode(image: Any, rawmode: str) -> None:
    image.tile = [
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in image.tile
    ]
    image.load()


def _orientation(image: Any) -> int:
    """1 to 8, from EXIF or else XMP, as Pillow finds them."""
    told = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")
    if image.format != "TIFF" and not any(key in image.info for key in told):
        return 1
    try:
        value = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block does not make the pixels unreadable
        return 1
    return value if 1 <= value <= 8 else 1


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def _png_chunks(stream: IO[bytes]) -> dict[str, Any]:
    """Significant bits (``bits``) and an EXIF block that follows the pixels (``late``)."""
    found: dict[str, Any] = {}
    after_pixels = False
    place = 8
    for _ in range(100_000):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        length = int.from_bytes(head[:4], "big")
        after_pixels |= head[4:] == b"IDAT"
        if head[4:] == b"sBIT":
            found["bits"] = max(stream.read(min(length, 3)), default=None)
        elif head[4:] == b"eXIf" and after_pixels:
            found["late"] = stream.read(length)
        place += length + 12
    return found


def _is_cut_jpeg(image: Any, stream: IO[bytes]) -> bool:
    """Whether the data of a JPEG end before its pixels do, although it has an end marker.

    The decoder fills what is missing with grey (128), or coarsely in a progressive file, without
    a word. Then, and only then, more data before the end marker change the picture.
    """
    from PIL import Image

    stream.seek(0)
    data = stream.read()
    scan = data.rfind(b"\xff\xda")
    if _USUAL_CODES in data and bytes(64) in data[scan : data.find(b"\xff\xd9", scan)]:
        raise Unusable("corrupt", "The image is damaged (a run of zeros inside).")
    corner = np.array(image.getpixel((image.width - 1, image.height - 1)))
    if not image.info.get("progressive") and not (abs(corner - 128) <= 1).any():
        return False
    end = data.rfind(b"\xff\xd9")
    more = data[:end] + b"\x55" * 2_000 + data[end:]
    return Image.open(io.BytesIO(more), formats=("JPEG",)).tobytes() != image.tobytes()


# ------------------------------------------------------------------------- TIFF of other depths


def _open_tiff(stream: IO[bytes], number: int = 0) -> Header:
    """By Pillow, but by tifffile where values have more than 8 bits or a sign."""
    import tifffile
    from PIL import Image, UnidentifiedImageError

    try:
        image: Any = Image.open(stream, formats=("TIFF",))
        image.seek(number)
        tags = image.tag_v2
        plain = max(tags.get(258, (1,))) <= 8 and max(tags.get(339, (1,))) == 1
    except UnidentifiedImageError:
        plain = False
    stream.seek(0)
    if plain:
        return _open_by_pillow(stream, number)
    try:
        file = tifffile.TiffFile(stream)
        page: Any = file.pages[number]
    except Exception as error:
        reason = "The image is damaged (its header is not one of a TIFF)."
        raise Unusable("corrupt", reason) from error
    if page.photometric not in (0, 1, 2) or page.axes not in ("YX", "YXS", "SYX"):
        name = getattr(page.photometric, "name", page.photometric)
        has = f"It has {page.bitspersample} bits as {name} ({page.axes})"
        raise Unusable("colour", f"{has}, which is not read: save it as grey or RGB.")
    orientation = int(page.tags.valueof(_ORIENTATION, default=1))
    orientation = orientation if 1 <= orientation <= 8 else 1
    top = page.tags.valueof(_MAX_SAMPLE_VALUE)
    top = max(top) if isinstance(top, tuple) else top
    declared = bits_needed(top) if top else page.bitspersample  # the full depth says nothing
    height, width = page.imagelength, page.imagewidth
    return Header(
        format="TIFF",
        size=(width, height) if orientation >= 5 else (height, width),
        turned=orientation != 1,
        deep=True,
        pages=len(file.pages) > 1,
        bits=declared if declared < page.bitspersample else None,
        inverted=page.photometric == 0,
        decode=lambda: _decode_tiff(page, stream, orientation, number),
    )


def _decode_tiff(page: Any, stream: IO[bytes], orientation: int, number: int) -> np.ndarray:
    try:
        values = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        return _decode_packed(page, stream, number)
    if values.size != page.imagelength * page.imagewidth * page.samplesperpixel:
        raise Unusable("corrupt", "The image is damaged (some of its pixels are not there).")
    if page.axes == "SYX":
        values = np.moveaxis(values, 0, 2)
    if values.ndim == 3:  # what follows grey or RGB is transparency
        values = values[:, :, :3] if page.photometric == 2 else values[:, :, 0]
    return _turned(values, orientation)


def _decode_packed(page: Any, stream: IO[bytes], number: int) -> np.ndarray:
    """Compressed in a way that only Pillow's libtiff unpacks, such as LZW."""
    from PIL import Image, UnidentifiedImageError

    stream.seek(0)
    try:
        image: Any = Image.open(stream, formats=("TIFF",))
        image.seek(number)
        if page.samplesperpixel > 1 and page.planarconfig != 1:
            raise UnidentifiedImageError
    except UnidentifiedImageError:
        has = f"It has {page.bitspersample} bits compressed by {page.compression.name}"
        reason = f"{has}, which is not read: save it without compression."
        raise Unusable("colour", reason) from None
    return _load(image, stream, deep=True)  # upright already


# ------------------------------------------------------------------------- why not


def why_unusable(error: Exception) -> Unusable:
    """Why a file cannot be used, from whatever was raised while reading it."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Unusable):
        return error
    bomb = Image.DecompressionBombError
    for kind, known, reason in (
        ("permission", PermissionError, "You have no permission to read it."),
        ("link", FileNotFoundError, "It is a link to nothing, or the file has gone."),
        ("dimensions", bomb, "Its header claims more pixels than can be held."),
        ("not an image", UnidentifiedImageError, "Its content is no JPEG, PNG, TIFF or BMP image."),
    ):
        if isinstance(error, known):
            return Unusable(kind, reason)
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return Unusable("loop", "It is a link that leads back to itself.")
    text = str(error).strip().rstrip(".")
    cut = ("truncated", "failed to read")  # the words of Pillow and of tifffile
    if any(word in text.casefold() for word in cut) or isinstance(error, EOFError):
        return Unusable("truncated", "The image breaks off before its end.")
    return Unusable("corrupt", f"The image is damaged ({text or type(error).__name__}).")


def shown(path: object) -> str:
    """A name that can be printed, also when the file system gave undecodable bytes."""
    return str(path).replace(os.sep, "/").encode("utf-8", "replace").decode()
