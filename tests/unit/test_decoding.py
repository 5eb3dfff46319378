"""Every depth, colour and orientation of every format gives the right pixels."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.stats import rankdata

from octlessons import OctlessonsError
from octlessons.images.folder import FolderWarning, read_folder, read_image

RNG = np.random.default_rng(0)
SMALL = RNG.integers(0, 256, (20, 30)).astype(np.uint8)
BLOCKS = np.kron(RNG.integers(20, 230, (3, 4)), np.ones((16, 16))).astype(np.uint8)  # for JPEG
TWELVE = RNG.integers(0, 4096, (20, 30)).astype(np.uint16)
TWELVE[0, 0] = 4095
EXPECTED = np.round(TWELVE * (255 / 4095)).astype(np.uint8)


def quietly(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FolderWarning)
        return read_folder(path, **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(values, colour_type: int, significant: bytes = b"", late: bytes = b"") -> bytes:
    """A PNG of 16 bits, which Pillow writes in grey only."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (chunk(b"sBIT", significant) if significant else b"")
        + chunk(b"IDAT", zlib.compress(rows))
        + (chunk(b"eXIf", late) if late else b"")
        + chunk(b"IEND", b"")
    )


def tiff(values, **options) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def stacked(values, n, last=None):
    """The same values in `n` channels; another in the last."""
    channels = [values] * n
    if last is not None:
        channels[-1] = np.full_like(values, last)
    return np.dstack(channels)


def lzw(values) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "TIFF", compression="tiff_lzw")
    return stream.getvalue()


def lzw_colour(values, order="<") -> bytes:
    """A TIFF of 16 bits in colour compressed by LZW, with codes of 9 bits only."""
    pixels = stacked(values, 3).astype(f"{order}u2").tobytes()
    codes = []
    for start in range(0, len(pixels), 200):
        codes += [256, *pixels[start : start + 200]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    strip = int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    height, width = values.shape
    tags = {256: width, 257: height, 258: 0, 259: 5, 262: 2, 273: 0, 277: 3, 278: height, 279: 0}
    start = 8 + 2 + 12 * len(tags) + 4
    tags |= {258: start, 273: start + 6, 279: len(strip)}
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, 3 if tag == 258 else 4, 3 if tag == 258 else 1)
        + struct.pack(f"{order}I", value)
        for tag, value in tags.items()
    )
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    return head + entries + bytes(4) + struct.pack(f"{order}3H", 16, 16, 16) + strip


# ------------------------------------------------------------------------- depth

DEEP = {
    "png grey": lambda v: png16(v, 0),
    "png grey and alpha": lambda v: png16(stacked(v, 2, 9), 4),
    "png colour": lambda v: png16(stacked(v, 3), 2),
    "png colour and alpha": lambda v: png16(stacked(v, 4, 9), 6),
    "tif little-endian": lambda v: tiff(v),
    "tif big-endian": lambda v: tiff(v, byteorder=">"),
    "tif zlib": lambda v: tiff(v, compression="zlib", predictor=True),
    "tif lzw": lzw,
    "tif colour lzw": lzw_colour,
    "tif colour lzw, big-endian": lambda v: lzw_colour(v, ">"),
    "tif colour": lambda v: tiff(stacked(v, 3), photometric="rgb"),
    "tif colour big-endian": lambda v: tiff(stacked(v, 3), photometric="rgb", byteorder=">"),
    "tif planes": lambda v: tiff(
        np.stack([v] * 3), photometric="rgb", planarconfig="separate"
    ),
    "tif colour and alpha": lambda v: tiff(
        stacked(v, 4, 9), photometric="rgb", extrasamples=["unassalpha"]
    ),
    "tif grey and alpha": lambda v: tiff(
        stacked(v, 2, 9), photometric="minisblack", planarconfig="contig",
        extrasamples=["unassalpha"],
    ),
    "tif big": lambda v: tiff(v, bigtiff=True),
    "tif tiled": lambda v: tiff(v, tile=(16, 16)),
    "tif white is zero": lambda v: tiff(4095 - v, photometric="miniswhite"),
    "tif white is zero, big-endian": lambda v: tiff(
        4095 - v, photometric="miniswhite", byteorder=">"
    ),
    "tif 32 bits": lambda v: tiff(v.astype(np.uint32)),
    "tif signed": lambda v: tiff(v.astype(np.int16)),
    "tif signed 32 bits": lambda v: tiff(v.astype(np.int32), byteorder=">"),
    "tif 64 bits": lambda v: tiff(v.astype(np.uint64)),
    "tif float": lambda v: tiff((v / 4095).astype(np.float32)),
    "tif double": lambda v: tiff(v / 4095),
    "tif float colour": lambda v: tiff(
        stacked(v / 4095, 3).astype(np.float32), photometric="rgb"
    ),
    "tif float, white is zero": lambda v: tiff(
        (1 - v / 4095).astype(np.float32), photometric="miniswhite"
    ),
}  # fmt: skip


def deep_values(kind):
    """12 bits that use both ends, as white is zero needs."""
    values = TWELVE.copy()
    values[0, 1] = 0
    return values, np.round(values * (255 / 4095)).astype(np.uint8)


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("kind", DEEP)
def test_twelve_bits_in_more_fill_the_range(tmp_path, kind, grey):
    values, expected = deep_values(kind)
    path = tmp_path / f"a.{kind[:3]}"
    path.write_bytes(DEEP[kind](values))
    image = read_folder(tmp_path, on_problem="raise", grey=grey)[0]
    assert image.shape == ((20, 30) if grey else (20, 30, 3))
    assert np.array_equal(image if grey else image[:, :, 1], expected)
    assert np.array_equal(read_image(path, grey=grey), image)


@pytest.mark.parametrize(
    ("top", "white"), [(4095, 255), (65535, 255), (2**31 + 7, 128), (2**32 - 1, 255)]
)
def test_whole_numbers_of_any_depth_keep_their_order(tmp_path, top, white):
    ramp = np.linspace(0, top, 200).astype(np.uint32).reshape(10, 20)
    tifffile.imwrite(tmp_path / "a.tif", ramp)
    image = read_folder(tmp_path)[0]
    assert image[0, 0] == 0 and image[-1, -1] == white
    assert np.all(np.diff(image.astype(int).ravel()) >= 0)


@pytest.mark.parametrize("write", ["png", "tif", "colour"])
def test_one_scale_for_all_files_keeps_the_order_of_brightness(tmp_path, write):
    gains = RNG.permutation(np.linspace(0.02, 0.4, 24))  # largest values of 8 to 13 bits
    texture = RNG.uniform(2_000, 20_000, (12, 12))
    means = []
    for i, gain in enumerate(gains):
        values = (texture * gain).astype(np.uint16)
        means.append(values.mean())
        made = {
            "png": lambda v: png16(v, 0),
            "tif": tiff,
            "colour": lambda v: tiff(stacked(v, 3), photometric="rgb"),
        }[write](values)
        (tmp_path / f"{i}.{'png' if write == 'png' else 'tif'}").write_bytes(made)
    scans = read_folder(tmp_path)
    read = [image.mean() for image in scans]
    assert rankdata(means).tolist() == rankdata(read).tolist()  # a rank correlation of 1
    assert any("(14 bits)" in n and "one scale for all" in n for n in scans.provenance.notes)


def test_parts_and_classes_that_are_read_alone_have_the_scale_of_all(tmp_path):
    for part, label, gain in (("train", "CNV", 1), ("test", "CNV", 2), ("test", "DME", 16)):
        (tmp_path / part / label).mkdir(parents=True)
        tifffile.imwrite(tmp_path / part / label / f"{label}-1-1.tif", TWELVE * gain)
    scans = read_folder(tmp_path)
    assert np.array_equal(read_folder(tmp_path, split="train")[0], scans[0])
    assert np.array_equal(read_folder(tmp_path, split="test", classes="CNV")[0], scans[1])


def test_bits_can_be_declared_by_the_file_or_the_caller(tmp_path):
    dark = TWELVE // 8
    (tmp_path / "a.png").write_bytes(png16(dark, 0, significant=b"\x0c"))
    expected = np.round(dark * (255 / 4095)).astype(np.uint8)
    assert np.array_equal(read_folder(tmp_path)[0], expected)
    (tmp_path / "a.png").unlink()
    tifffile.imwrite(tmp_path / "a.tif", dark, extratags=[(281, "H", 1, 4095, True)])
    assert np.array_equal(read_folder(tmp_path)[0], expected)
    tifffile.imwrite(tmp_path / "a.tif", dark)
    assert np.array_equal(read_folder(tmp_path, bits=12)[0], expected)
    assert read_folder(tmp_path)[0].max() > 100
    with pytest.raises(ValueError, match="`bits` is a whole number from 1 to 32"):
        read_folder(tmp_path, bits=0)


def test_declared_bits_that_are_too_few_give_way_to_the_values(tmp_path):
    (tmp_path / "a.png").write_bytes(png16(TWELVE * 16, 0, significant=b"\x0c"))
    assert read_folder(tmp_path)[0].mean() == pytest.approx(EXPECTED.mean(), abs=1)


def test_eight_bits_are_untouched_beside_deeper_ones(tmp_path):
    Image.fromarray(SMALL // 4).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "b.tif", TWELVE)
    scans = read_folder(tmp_path)
    assert np.array_equal(scans[0], SMALL // 4)
    assert np.array_equal(scans[1], EXPECTED)


# ------------------------------------------------------------------------- floats


def test_a_tiny_overshoot_is_taken_for_one(tmp_path):
    values = SMALL.astype(np.float32) / 255
    values[0, :2] = 1.0001, -0.0001
    tifffile.imwrite(tmp_path / "a.tif", values)
    expected = SMALL.copy()
    expected[0, :2] = 255, 0
    assert np.array_equal(read_folder(tmp_path, on_problem="raise")[0], expected)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf, np.finfo(np.float32).max])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_no_data_is_black(tmp_path, nothing, photometric):
    values = SMALL.astype(np.float32) / 255
    values[3:5] = nothing
    expected = 255 - SMALL if photometric == "miniswhite" else SMALL.copy()
    expected[3:5] = 0
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric)
    assert np.array_equal(read_folder(tmp_path, on_problem="raise")[0], expected)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-40, 0, "from -40 to 0"),
        (-1, 1, "from -1 to 1"),
        (0, 255, "from 0 to 255"),
        (-3.2, 4, "from -3.2 to 4"),
        (0, 1e-6, "all would be black"),
    ],
)
def test_floats_of_another_range_are_refused_by_name(tmp_path, low, high, words):
    tifffile.imwrite(tmp_path / "good.tif", SMALL.astype(np.float32) / 255)
    values = np.linspace(low, high, 400, dtype=np.float32).reshape(20, 20)
    tifffile.imwrite(tmp_path / "other.tif", values)
    with pytest.warns(FolderWarning, match=rf"values out of range: 1\s+other.tif: .*{words}"):
        assert read_folder(tmp_path, verify=False).names.tolist() == ["good.tif"]
    with pytest.raises(OctlessonsError, match=rf"other.tif cannot be read: .*{words}.*scale them"):
        read_image(tmp_path / "other.tif")


def test_a_black_image_is_no_problem(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 9), np.float32))
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((9, 9), np.uint16))
    assert [image.max() for image in read_folder(tmp_path, on_problem="raise")] == [0, 0]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
def test_negative_whole_numbers_are_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.linspace(-99, 99, 100, dtype=dtype).reshape(10, 10))
    with pytest.raises(OctlessonsError, match="from -99 to 99; brightness starts at 0"):
        read_folder(tmp_path)


# ------------------------------------------------------------------------- colour


def palette(values):
    image = Image.fromarray(values, "L").convert("P")
    image.putpalette([v for level in range(256) for v in (255 - level,) * 3])
    return image


COLOURS = {
    "P.png": lambda: palette(255 - SMALL),
    "P.tif": lambda: palette(255 - SMALL),
    "P.bmp": lambda: palette(255 - SMALL),
    "LA.png": lambda: Image.fromarray(stacked(SMALL, 2, 9)),
    "RGBA.png": lambda: Image.fromarray(stacked(SMALL, 4, 9)),
    "RGBA.tif": lambda: Image.fromarray(stacked(SMALL, 4, 9)),
    "RGB.bmp": lambda: Image.fromarray(stacked(SMALL, 3)),
    "L.bmp": lambda: Image.fromarray(SMALL),
    "L.tif": lambda: Image.fromarray(SMALL),
    "CMYK.tif": lambda: Image.merge(
        "CMYK", [Image.fromarray(np.zeros_like(SMALL))] * 3 + [Image.fromarray(255 - SMALL)]
    ),
}


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("grey", [True, False])
def test_every_way_to_store_grey_gives_the_same_pixels(tmp_path, name, grey):
    COLOURS[name]().save(tmp_path / name)
    image = read_folder(tmp_path, on_problem="raise", grey=grey)[0]
    assert np.array_equal(image if grey else image[:, :, 2], SMALL)


def test_white_is_zero_in_8_bits(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", 255 - SMALL, photometric="miniswhite")
    assert np.array_equal(read_folder(tmp_path)[0], SMALL)


@pytest.mark.parametrize("ending", ["png", "tif", "bmp"])
def test_one_bit_is_black_and_white(tmp_path, ending):
    Image.fromarray(SMALL > 128).save(tmp_path / f"a.{ending}")
    assert np.array_equal(read_folder(tmp_path)[0], np.where(SMALL > 128, 255, 0))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "RGB"])
def test_colours_of_jpeg_keep_their_brightness(tmp_path, mode):
    Image.fromarray(stacked(BLOCKS, 3)).convert(mode).save(tmp_path / "a.jpeg", quality=95)
    assert np.abs(read_folder(tmp_path)[0].astype(int) - BLOCKS).max() <= 4


def test_cie_lab_is_refused_by_name(tmp_path):
    Image.new("LAB", (20, 20)).save(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", stacked(TWELVE, 3), photometric="cielab")
    with pytest.raises(OctlessonsError) as caught:
        read_folder(tmp_path)
    text = str(caught.value)
    assert "colours that are not read: 2" in text and "CIE Lab" in text and "CIELAB" in text


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_interlaced_png(tmp_path, depth, channels):
    values = SMALL if channels == 1 else stacked(SMALL, channels, None if channels == 3 else 9)
    deep = values.astype(np.uint16) * 257 if depth == 16 else values
    rows = b""
    for y, x, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2),
                         (0, 1, 2, 2), (1, 0, 2, 1)):  # fmt: skip
        for row in deep[y::dy, x::dx]:
            rows += b"\0" + row.astype(f">u{depth // 8}").tobytes()
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", 30, 20, depth, kind, 0, 0, 1)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    assert np.array_equal(read_folder(tmp_path, bits=16, on_problem="raise")[0], SMALL)


def test_a_palette_of_16_greys(tmp_path):
    image = Image.fromarray(SMALL // 16, "P")
    image.putpalette([17 * level for level in range(16) for _ in "rgb"])
    image.save(tmp_path / "a.png", bits=4, transparency=3)
    assert np.array_equal(read_folder(tmp_path)[0], SMALL // 16 * 17)


# ------------------------------------------------------------------------- orientation

#: What each orientation does to the stored pixels, as the standard says it.
UPRIGHT = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.T,
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].T,
    8: lambda p: np.rot90(p, 1),
}


def exif_of(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def turned(kind: str, path, orientation: int):
    """Save a picture with an orientation; the stored pixels."""
    image, deep = Image.fromarray(SMALL), SMALL.astype(np.uint16) * 257
    exif = exif_of(orientation)
    tag = [(274, "H", 1, orientation, True)]
    if kind in ("raw", "tiff_lzw", "tiff_deflate"):
        image.save(path.with_suffix(".tif"), compression=kind, exif=exif)
    elif kind == "tifffile":
        tifffile.imwrite(path.with_suffix(".tif"), SMALL, extratags=tag)
    elif kind == "16 bits":
        tifffile.imwrite(path.with_suffix(".tif"), deep, extratags=tag)
    elif kind == "16 bits, lzw":
        Image.fromarray(deep).save(path.with_suffix(".tif"), compression="tiff_lzw", exif=exif)
    elif kind == "png":
        image.save(path.with_suffix(".png"), exif=exif)
    elif kind == "png, 16 bits in colour, late":
        made = png16(stacked(deep, 3), 2, late=exif.tobytes().removeprefix(b"Exif\0\0"))
        path.with_suffix(".png").write_bytes(made)
    elif kind == "xmp":
        xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="{orientation}"/>'
        Image.fromarray(BLOCKS).save(path.with_suffix(".jpeg"), quality=95, xmp=xmp.encode())
    else:
        Image.fromarray(BLOCKS).save(path.with_suffix(".jpeg"), quality=95, exif=exif)
    return BLOCKS if kind in ("jpeg", "xmp") else SMALL


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    "kind",
    [
        "jpeg", "xmp", "png", "png, 16 bits in colour, late", "raw", "tiff_lzw", "tiff_deflate",
        "tifffile", "16 bits", "16 bits, lzw",
    ],
)  # fmt: skip
def test_every_orientation_of_every_format(tmp_path, kind, orientation, verify):
    stored = turned(kind, tmp_path / "a", orientation)
    expected = UPRIGHT[orientation](stored)
    scans = read_folder(tmp_path, verify=verify, on_problem="raise", bits=16)
    assert scans.sizes.tolist() == [list(expected.shape)]
    assert scans.shape == (1, *expected.shape)
    assert np.abs(scans[0].astype(int) - expected).max() <= (4 if stored is BLOCKS else 0)
    notes = " ".join(scans.provenance.notes)
    assert ("orientation" in notes) == (orientation != 1)


# ------------------------------------------------------------------------- damage


@pytest.fixture(scope="module")
def photograph():
    blurred = Image.fromarray(RNG.integers(0, 256, (40, 40)).astype(np.uint8))
    return blurred.resize((200, 160), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_a_jpeg_that_breaks_off_is_found_in_spite_of_its_end_marker(
    tmp_path, photograph, progressive, share
):
    photograph.save(tmp_path / "whole.jpeg", progressive=progressive)
    whole = (tmp_path / "whole.jpeg").read_bytes()
    (tmp_path / "cut.jpeg").write_bytes(whole[: int(len(whole) * share)] + b"\xff\xd9")
    scans = quietly(tmp_path)
    assert scans.names.tolist() == ["whole.jpeg"]
    assert [p.kind for p in scans.provenance.problems] == ["truncated"]


def test_grey_jpegs_and_bytes_after_the_end_are_sound(tmp_path):
    Image.new("L", (64, 64), 128).save(tmp_path / "grey.jpeg")
    Image.new("L", (64, 64), 0).save(tmp_path / "black.jpeg", optimize=True)
    Image.new("L", (64, 64), 255).save(tmp_path / "white.jpeg", progressive=True)
    (tmp_path / "grey.jpeg").write_bytes((tmp_path / "grey.jpeg").read_bytes() + bytes(500))
    assert len(read_folder(tmp_path, on_problem="raise")) == 3


def test_zeros_inside_a_jpeg_are_found(tmp_path, photograph):
    photograph.save(tmp_path / "whole.jpeg")
    data = bytearray((tmp_path / "whole.jpeg").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 128] = bytes(128)
    (tmp_path / "zeros.jpeg").write_bytes(data)
    assert quietly(tmp_path).names.tolist() == ["whole.jpeg"]


@pytest.mark.parametrize("kind", DEEP)
def test_cut_files_of_any_depth_are_found(tmp_path, kind):
    whole = DEEP[kind](TWELVE)
    for i, share in enumerate((0.3, 0.6, 0.9)):
        (tmp_path / f"{i}.{kind[:3]}").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(OctlessonsError, match="3 files"):
        read_folder(tmp_path)
