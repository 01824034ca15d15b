"""Messages: everything that is sent comes out the same, however it is cut, and nothing else is believed."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from tiny import CUBE

from ReVertLib.ct_registration.records import CtRegistration, Judgement, PoseError, RegisteredVertebra
from ReVertLib.finding.found import RIBS, SACRUM, Answer, FoundSpine, FoundVertebra, Reading, SeenView
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue, StatedGeometry
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.inference.results import About, Outcome, Reconstruction, Refusal
from ReVertLib.measurement.records import LENGTH, POINT, Measurement, Measurements
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import Comparison, Mask, SurfaceMetrics
from ReVertLib.service.film import FilmAnswer
from ReVertLib.service.messages import MAX_ARRAY_BYTES, MAX_HEADER_BYTES, Decoder, Message, WireError, encode
from ReVertLib.service.registration import CtAnswer, CtGiven, FilmGiven
from ReVertLib.spine.records import Disc, FilmLevel, FilmResult, LevelChange
from ReVertLib.spine.scale import Scale

GEOMETRY = Geometry(1020.1, 700.3, (0.1, 0.2), (99.5, 79.25), "L4", (1.0, 2.0, 30.0, 40.0))
THIRD = 1 / 3  # no short decimal number
METRICS = SurfaceMetrics(THIRD, 2.5, 1.25, 0.75, 3.0, 1e5 * THIRD, 41_000.0)
STILL = RigidTransform(np.eye(3), np.zeros(3))
RECONSTRUCTION = Reconstruction(CUBE.moved(RigidTransform.shift([THIRD, 0, 700])), GEOMETRY, THIRD, ("a warning",))
DATA = {
    "geometry": GEOMETRY,
    "sparse geometry": Geometry(1020, 700, (0.1, 0.1), (0, 0)),
    "mesh": CUBE,
    "reconstruction": RECONSTRUCTION,
    "expecting reconstruction": Reconstruction(CUBE, GEOMETRY, 1.0, (), np.linspace(0, THIRD, 8)),
    "outcomes": [Outcome(RECONSTRUCTION, (np.eye(3)[:, :2], np.zeros((0, 2)))), Refusal(GEOMETRY, "box: expected ...")],
    "mask": Mask(np.arange(24).reshape(2, 3, 4) % 5 == 0, np.diag([0.5, THIRD, -2.0, 1.0])),
    "comparison": Comparison(
        "rigid",
        "L3",
        SimilarityTransform(np.eye(3) * THIRD, np.arange(3.0), THIRD),
        METRICS,
        np.arange(8.0),
        METRICS,
        "rigid",
    ),
    "bare comparison": Comparison(
        "none", None, RigidTransform(np.eye(3), np.zeros(3)), METRICS, np.ones(1), None, None
    ),
    "about": About("0" * 64, "template", "CPU (2 threads)", {"torch": "2.13.0"}),
    "what is known": LayeredGeometry(
        {"pixel_spacing_mm": SourcedValue((0.1, THIRD), "entered")},
        StatedGeometry({"sdd_mm": 1000}, {"sdd_mm": "DICOM"}, SourcedValue((0.2, 0.2), "DICOM"), {"sod_mm": "odd"}),
    ),
    "found": FoundSpine(
        (FoundVertebra(22, np.array([1.0, THIRD]), (0.0, 1.0, 2.0, THIRD), np.full((4, 2), np.nan), 0.5),),
        (Reading((22,), 0.75), Reading((23,), 0.25)),
        frozenset({SACRUM, RIBS}),
        (SeenView(-90.0, THIRD),),
        *(Answer(is_so, 0.75) for is_so in (True, False, True)),
        ("a warning",),
    ),
    "film": FilmAnswer(
        FilmResult(
            (FilmLevel("L4", RECONSTRUCTION, None, True, THIRD, LevelChange(1.0, 2.0, THIRD, 0.0)),),
            (Disc("L3", "L4", THIRD, 0.0),),
            "L4",
            Scale("given", 0.0, THIRD, "distances", ("a warning",)),
        ),
        {"L4": (np.eye(3)[:, :2],)},
        ("a note",),
        Measurements(
            {"L4": {"left pedicle entry": Measurement(POINT, (THIRD, 2.0, 700.0), THIRD)}},
            {"L3/L4": {"slip": Measurement(LENGTH, THIRD, None)}},
            {},
        ),
    ),
    "a CT to align": (
        CtGiven(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4), np.zeros((1, 1, 1), np.uint8), np.eye(4)),
        FilmGiven(np.eye(3), LayeredGeometry(), {"L4": (1.0, 2.0, 30.0, THIRD)}, "L4"),
    ),
    "an aligned CT": CtAnswer(
        CtRegistration(
            (
                RegisteredVertebra(
                    "L4",
                    STILL,
                    STILL,
                    CUBE,
                    np.array([THIRD, 2.0]),
                    PoseError(THIRD, 2.0, 1.0),
                    Judgement("check", "a reason", THIRD, 0.5, 1.0, {"L3": THIRD}),
                ),
            ),
            STILL,
            True,
            THIRD,
            ("a warning",),
        ),
        GEOMETRY,
        [{"L4": (np.eye(3)[:, :2],)}],
        np.zeros((2, 3), np.float32),
        "{}",
    ),
    "plain": {"none": None, "truth": True, "number": -3, "text": "Größe ~ mm²", "nested": [(), [1, (2.5, "x")], {}]},
}


def assert_same(value, expected):
    """Equal in type and value, all the way down; arrays bit by bit."""
    assert type(value) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (value.dtype, value.shape) == (expected.dtype, expected.shape)
        assert value.tobytes() == expected.tobytes()
    elif is_dataclass(expected):
        for field in fields(expected):
            assert_same(getattr(value, field.name), getattr(expected, field.name))
    elif isinstance(expected, dict):
        assert_same(list(value), list(expected))
        assert_same(list(value.values()), list(expected.values()))
    elif isinstance(expected, list | tuple):
        assert len(value) == len(expected)
        for one, other in zip(value, expected, strict=True):
            assert_same(one, other)
    else:
        assert value == expected


def raw(header, arrays=b""):
    """The bytes of a message with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return b"ReVert\x02\x00" + struct.pack("<I", len(text)) + text + arrays


def npy(dtype, shape):
    """The beginning of a .npy file, up to its numbers."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def with_array(data):
    """The bytes of a message that holds one array."""
    return raw({"kind": "k", "content": {"a": {"@": "array", "at": 0}}, "arrays": [len(data)]}, data)


@pytest.mark.parametrize("name", DATA)
def test_what_is_sent_comes_out_the_same(name):
    message = Message("some kind", {"value": DATA[name]})
    assert_same(Decoder().feed(encode(message)), [message])


@pytest.mark.parametrize("dtype", ["|b1", "|u1", "<u2", ">u2", "<i8", "<f4", ">f8"])
def test_arrays_keep_type_byte_order_and_shape(dtype):
    arrays = [np.arange(6).reshape(2, 3).astype(dtype), np.zeros((0, 3), dtype), np.ones((), dtype)]
    (message,) = Decoder().feed(encode(Message("arrays", {"them": [*arrays, arrays[0].T, arrays[0][:, ::2]]})))
    assert_same(message.content["them"], [*arrays, arrays[0].T.copy(), arrays[0][:, ::2].copy()])
    assert all(array.flags.c_contiguous for array in message.content["them"])
    message.content["them"][0][:] = 1


def test_one_array_in_several_places_is_sent_once():
    faces = np.arange(30_000).reshape(-1, 3)
    first, second = (Mesh(np.full((3, 3), mm), faces) for mm in (1.0, 2.0))
    data = encode(Message("done", {"meshes": [first, second], "twin": faces.copy()}))
    assert len(data) < 2.1 * faces.nbytes
    (message,) = Decoder().feed(data)
    found = message.content["meshes"]
    assert [mesh.vertices[0, 0] for mesh in found] == [1.0, 2.0]
    assert all(np.array_equal(mesh.faces, faces) for mesh in found)
    message.content["twin"][:] = 0
    assert np.array_equal(found[0].faces, faces)


def test_the_bytes_are_as_the_text_says():
    data = encode(Message("k", {"a": np.array([1, 256], ">u2")}))
    header = data[12 : 12 + struct.unpack("<I", data[8:12])[0]]
    array = data[12 + len(header) :]
    assert data.startswith(b"ReVert\x02\x00")
    assert json.loads(header) == {"kind": "k", "content": {"a": {"@": "array", "at": 0}}, "arrays": [len(array)]}
    assert array.startswith(b"\x93NUMPY")
    assert array.endswith(b"\x00\x01\x01\x00")


@pytest.mark.parametrize("size", [1, 2, 7, 11, 12, 13, 1000])
def test_pieces_of_any_size_give_the_same_messages(size):
    messages = [Message(name, {"value": value}) for name, value in DATA.items()]
    stream, decoder, found = b"".join(map(encode, messages)), Decoder(), []
    for i in range(0, len(stream), size):
        found += decoder.feed(stream[i : i + size])
    assert_same(found, messages)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"Traceback (most recent call last)", r"expected to begin with .*ReVert.*, got b'Traceba"),
        (b"R2D2", "expected to begin with .*, got b'R2D2'"),
        (raw({})[:8] + b"\xff\xff\xff\xff", f"expected a header of at most {MAX_HEADER_BYTES} bytes, got 4294967295"),
        (raw(b"{not json"), "expected a header as JSON, got Expecting property name"),
        (raw([1]), "expected a header as JSON"),
        (raw({"kind": "k", "content": {}}), "expected a header as JSON, got 'arrays'"),
        (raw({"kind": "k", "content": {}, "arrays": ["many"]}), "expected a header as JSON, got invalid literal"),
        (raw({"kind": "k", "content": {}, "arrays": [-1]}), "expected arrays of 0 to [0-9]+ bytes, got -1"),
        (
            raw({"kind": "k", "content": {}, "arrays": [1 << 43]}),
            f"expected arrays of 0 to {MAX_ARRAY_BYTES} bytes, got {1 << 43}",
        ),
        (with_array(npy("<f8", (1 << 20, 1 << 20))), "expected an array of numbers, got "),
        (with_array(npy("<f8", (1 << 70,))), "expected an array of numbers, got "),
        (with_array(npy("<f8", (-1,)) + bytes(8)), r"expected an array of numbers, got \(-1,\)"),
        (
            with_array(npy("<f8", (1,)).replace(b"\x01\x00", b"\x02\x00", 1)),
            "expected an array of numbers, got version",
        ),
        (with_array(npy("<f8", (2,)) + bytes(8)), "expected an array of numbers, got buffer is smaller"),
        (with_array(npy("|O", (1,)) + pickle.dumps([None])), "expected an array of numbers, got Python objects"),
        (with_array(b"no file of an array"), "expected an array of numbers, got "),
        (raw({"kind": "k", "content": {"a": {"@": "array", "at": 0}}, "arrays": []}), "expected a whole 'array'"),
        (raw({"kind": "k", "content": {"a": {"@": "Popen", "args": "x"}}, "arrays": []}), "got 'Popen'"),
        (raw({"kind": "k", "content": {"a": {"@": "Mesh"}}, "arrays": []}), "expected a whole 'Mesh', got"),
    ],
)
def test_what_is_no_message_is_refused(data, expected):
    with pytest.raises(WireError, match=expected) as error:
        Decoder().feed(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [{"a": object()}, {"a": np.array([None])}, {"a": {"@": 1}}, {"a": np.int64(1)}])
def test_what_no_message_can_hold_is_not_sent(content):
    with pytest.raises((TypeError, ValueError)):
        encode(Message("k", content))


def test_reading_a_comparison_needs_neither_torch_nor_scipy(root):
    """In a fresh process, as in Slicer's own."""
    data = encode(Message("done", {"answer": DATA["comparison"], "all": DATA["outcomes"], "about": DATA["about"]}))
    script = f"""
import sys
from ReVertLib.service.messages import Decoder
(message,) = Decoder().feed({data!r})
assert type(message.content["answer"]).__name__ == "Comparison"
print(sorted({{"torch", "scipy", "SimpleITK", "pydicom"}} & set(sys.modules)))
import scipy
print("scipy" in sys.modules)
"""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "True"]
