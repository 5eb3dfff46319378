"""Files that hold several B-scans: TIFFs of several pages, DICOM, Heidelberg's E2E, VOL and XML.

One row for each B-scan, numbered from 1 in its file. TIFFs and DICOM are decoded one scan at a
time; a file of Heidelberg is opened whole, once for each process that looks at it. Names and dates
of birth are never read.
"""

from __future__ import annotations

import importlib
import os
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from octlessons._optional import need
from octlessons.errors import OctlessonsError, first_line
from octlessons.images._decoding import (
    as_8_bits,
    bits_needed,
    luma,
    open_image,
    read_image,
)
from octlessons.images._survey import content_of, is_image_name

MAX_PIXELS = 50_000_000
_BY_ENDING = {".dcm": "DICOM", ".dicom": "DICOM", ".ima": "DICOM", ".e2e": "E2E", ".vol": "VOL"}
_BY_CONTENT = {"DICOM": "DICOM", "Heidelberg E2E": "E2E", "Heidelberg VOL": "VOL"}
#: Photographs of the fundus, in 8 bits and in 16.
_FUNDUS = ("1.2.840.10008.5.1.4.1.1.77.1.5.1", "1.2.840.10008.5.1.4.1.1.77.1.5.2")
_UNKNOWN = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Slice:
    """What is known of one B-scan of a file before its pixels are asked for.

    Attributes
    ----------
    number : int
        From 1 in its file.
    size : (int, int)
        Height and width, px.
    volume : str
        Which volume of its file, where the file has several.
    pixel_size : (float, float)
        Height and width of a pixel, µm; NaN where not known.
    eye, patient, date : str
        "" where not known. The patient is a number or code, never a name.
    bits : int
        Of the values of a page of a TIFF with more than 8; else 0.
    """

    number: int
    size: tuple[int, int]
    volume: str = ""
    pixel_size: tuple[float, float] = _UNKNOWN
    eye: str = ""
    patient: str = ""
    date: str = ""
    bits: int = 0


def kind_of(path: str) -> str:
    """What a file is that may hold several scans: DICOM, E2E, VOL, XML or TIFF; else ""."""
    ending = os.path.splitext(path)[1].casefold()
    if is_image_name(path):
        return "TIFF" if ending in (".tif", ".tiff") else ""
    if ending == ".xml":
        try:
            with open(path, "rb") as stream:
                return "XML" if b"<HEDX" in stream.read(4_000) else ""
        except OSError:
            return ""
    content = content_of(path)
    return _BY_ENDING.get(ending) or _BY_CONTENT.get(content[0] if content else "", "")


def is_volume(path: str) -> bool:
    """Whether this is a file of a scanner, which the readers of the extra ``oct`` open."""
    return kind_of(path) not in ("", "TIFF")


def slices_of(path: str) -> list[Slice]:
    """All B-scans of a file.

    Raises
    ------
    OctlessonsError
        If it cannot be read, or its reader is not installed; a sentence without the path.
    """
    kind = kind_of(path)
    with _in_words(kind):
        if kind == "TIFF":
            found = list(_pages(path))
        elif kind == "DICOM":
            found = _frames(path)
        else:
            found = [each for each, _ in _opened(path, kind, os.stat(path).st_mtime_ns)]
        if not found:
            raise OctlessonsError(f"It is {kind} without any B-scan that can be read.")
        return found


def read_slice(path: str, number: int, bits: int | None = None) -> np.ndarray:
    """Pixels of one B-scan, uint8, shape (h, w).

    Raises
    ------
    OctlessonsError
        If it cannot be read any more.
    """
    kind = kind_of(path)
    if kind == "TIFF":
        return read_image(path, max_pixels=MAX_PIXELS, bits=bits, page=number - 1)
    with _in_words(kind):
        if kind == "DICOM":
            return _frame(path, number - 1)
        return _opened(path, kind, os.stat(path).st_mtime_ns)[number - 1][1]


class _in_words:
    """Whatever a reader raises on a damaged file becomes a sentence; its warnings are not shown."""

    def __init__(self, kind: str):
        self.kind, self.quiet = kind, warnings.catch_warnings()

    def __enter__(self) -> None:
        self.quiet.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind, error, trace) -> None:
        self.quiet.__exit__(kind, error, trace)
        if isinstance(error, FileNotFoundError):
            raise OctlessonsError("The file has gone.") from error
        if isinstance(error, Exception) and not isinstance(error, OctlessonsError):
            raise OctlessonsError(
                f"It cannot be read as {self.kind or 'a volume'} ({first_line(error)})."
            ) from error


# ---------------------------------------------------------------------- TIFF


def _pages(path: str) -> Iterator[Slice]:
    """The pages of one size and kind as the first; small copies of it do not count."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        first = file.pages[0].shape
        there = [i for i, page in enumerate(file.pages) if page.shape == first]
    for i in there:
        with open(path, "rb") as stream:
            header = open_image(stream, MAX_PIXELS, i)
            bits = 0
            with suppress(Exception):  # a damaged page is named when it is looked at, not the file
                values = header.decode() if header.deep else np.zeros(0, np.float32)
                if values.dtype.kind != "f":
                    bits = max(header.bits or 8, bits_needed(values.max(initial=0)))
        yield Slice(i + 1, header.size, bits=bits)


# ---------------------------------------------------------------------- DICOM


def _frames(path: str) -> list[Slice]:
    pydicom = need("pydicom", "DICOM is read with pydicom")
    data = pydicom.dcmread(path, stop_before_pixels=True)
    if str(data.get("SOPClassUID", "")) in _FUNDUS:
        raise OctlessonsError("It is DICOM with a photograph of the fundus, not an OCT scan.")
    if "Rows" not in data:
        raise OctlessonsError("It is DICOM without an image.")
    shared = _first(data, "SharedFunctionalGroupsSequence")
    own = list(data.get("PerFrameFunctionalGroupsSequence", None) or [])
    date = data.get("AcquisitionDateTime") or data.get("ContentDate") or data.get("StudyDate")
    found = []
    for i in range(int(data.get("NumberOfFrames", 1) or 1)):
        groups = (own[i] if i < len(own) else None, shared, data)
        measures = [_first(group, "PixelMeasuresSequence") for group in groups] + [data]
        anatomy = [_first(group, "FrameAnatomySequence") for group in groups]
        spacing = next((m.PixelSpacing for m in measures if m and m.get("PixelSpacing")), None)
        eye = [data.get("ImageLaterality"), data.get("Laterality")]
        eye += [a.get("FrameLaterality") for a in anatomy if a]
        found.append(
            Slice(
                number=i + 1,
                size=(int(data.Rows), int(data.Columns)),
                pixel_size=(1e3 * spacing[0], 1e3 * spacing[1]) if spacing else _UNKNOWN,
                eye=next((str(each) for each in eye if each), ""),
                patient=str(data.get("PatientID", "") or ""),
                date=str(date or "")[:8],
            )
        )
    return found


def _first(data: Any, name: str) -> Any:
    inside = data.get(name) if data is not None else None
    return inside[0] if inside else None


def _frame(path: str, i: int) -> np.ndarray:
    data = need("pydicom", "DICOM is read with pydicom").dcmread(path, stop_before_pixels=True)
    reader = importlib.import_module("pydicom.pixels")
    if int(data.Rows) * int(data.Columns) > MAX_PIXELS:
        raise OctlessonsError(f"Its header claims {data.Columns:,} × {data.Rows:,} px.")
    values = np.asarray(reader.pixel_array(path, index=i))
    values = luma(values) if values.ndim == 3 else values
    inverted = data.PhotometricInterpretation == "MONOCHROME1"
    if values.dtype == np.uint8:
        return np.ascontiguousarray(255 - values if inverted else values)
    return as_8_bits(values, int(data.BitsStored), inverted)


# ---------------------------------------------------------------------- Heidelberg


@lru_cache(maxsize=1)
def _opened(path: str, kind: str, changed: int) -> list[tuple[Slice, np.ndarray]]:
    need("eyepy", f"{kind} of Heidelberg is read with eyepy")
    readers = importlib.import_module("eyepy.io.he")
    found: list[tuple[Slice, np.ndarray]] = []
    volumes = {"VOL": _of_vol, "E2E": _of_e2e, "XML": _of_xml}[kind](readers, path)
    several = len(volumes) > 1
    for number, (patient, meta, scans) in enumerate(volumes, 1):
        size = _UNKNOWN
        if meta.get("scale_unit") == "mm":
            height, width = (float(meta.get(name) or np.nan) for name in ("scale_y", "scale_x"))
            size = (1e3 * height, 1e3 * width)
        date = meta.get("exam_time") or meta.get("visit_date")
        for scan in scans:
            known = Slice(
                number=len(found) + 1,
                size=scan.shape,
                volume=f"volume {number}" if several else "",
                pixel_size=size,
                eye=str(meta.get("laterality") or ""),
                patient=patient,
                date=str(date or "")[:10],
            )
            found.append((known, np.ascontiguousarray(scan)))
    return found


def _of_vol(readers, path: str) -> list[tuple[str, Any, Any]]:
    """Circles and stars, too, of which eyepy makes no volume."""
    intensity = importlib.import_module("eyepy.core.utils").from_vol_intensity
    reader = readers.HeVolReader(path)
    scans = [intensity(np.array(each.data, np.float32)) for each in reader.parsed_file.bscans]
    patient = str(reader.parsed_file.patient_id).strip("\0 ")
    return [(patient, reader.meta, scans)]


def _of_e2e(readers, path: str) -> list[tuple[str, Any, Any]]:
    found = []
    with readers.HeE2eReader(path) as reader:
        for patient in reader.patients:
            for study in patient.studies.values():
                for series in study.series.values():
                    try:
                        volume = series.get_volume()
                        found.append((str(patient.id), volume.meta, volume.data))
                    except Exception:  # series that are no volumes, such as photographs
                        continue
    return found


def _of_xml(readers, path: str) -> list[tuple[str, Any, Any]]:
    volume = readers.HeXmlReader(path).volume
    return [("", volume.meta, volume.data)]


def pictures_of(path: str) -> set[str]:
    """Paths of the pictures that belong to an export as XML: they are not scans of their own."""
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError, ValueError):
        return set()
    names = {(each.text or "").split("\\")[-1] for each in tree.iter("ExamURL")}
    return {os.path.join(os.path.dirname(path), name) for name in names if name}
