"""Hostile files: valid ones with something changed, and pickles put together from their instructions."""

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

BYTES = [0, 1, 0x2E, 0x7F, 0x80, 0xFF, *b"(.0IKMNRX]bcet}qrjhB\x85\x86\x87\x8c\x8e\x93\x94\x95\x97"]

NAMES = [
    "numpy dtype", "numpy ndarray", "numpy._core.multiarray _reconstruct", "numpy._core.multiarray scalar",
    "numpy._core.numeric _frombuffer", "collections OrderedDict", "_codecs encode", "os system",
    "builtins eval", "builtins exec", "builtins getattr", "subprocess Popen", "numpy.core.multiarray scalar",
    "torch._utils _rebuild_tensor_v2", "torch FloatStorage", "torch.nn.modules.linear Linear", "posix remove",
    "pathlib Path", "numpy fromfile", "__builtin__ bytes", "\u202e .", ".. ..",
]  # fmt: skip

TEXTS = [
    "", "f4", "<f8", "O8", "O", "U4", "S3", "V9", "b1", "latin1", "hex_codec", "<", "|", "../../etc/passwd",
    "$(touch pwned)", "`touch pwned`; rm -rf /", "a\nb", "\x1b[2J", "\0", "\\input{/etc/passwd}", "%&#_{}~^",
    "\ud800", "\u202e", "x" * 5000, "s_09_act_02_subact_01_ca_01", "54138969", "train", "s_٣_act_02_cam_01",
    "s_" + "9" * 5000 + "_act_02_cam_01", "model", "module.",
]  # fmt: skip


FLAGLESS = (
    b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8I00\nI01\ntR"
    b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
"""A dtype of objects whose state hides that it is one, so that numpy would take bytes for addresses."""


MOVED = (
    b"\x96\x00\x00\x10\x00\x00\x00\x00\x00" + bytes(2**20) + b"r\x63\x00\x00\x000"
    b"cnumpy._core.numeric\n_frombuffer\n(j\x63\x00\x00\x00"
    b"cnumpy\ndtype\n(X\x02\x00\x00\x00u1\x89\x88tRJ\x00\x00\x10\x00\x85X\x01\x00\x00\x00CtR"
    b"j\x63\x00\x00\x00("
)
"""An array over a bytearray, which then may grow, and so move. Numbers and an `e` have to follow."""


class Call:
    """Pickles to a call."""

    def __init__(self, function: Callable, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


def values(rng: random.Random) -> Any:
    """A value where another one is expected."""
    nested: Any = 1.0
    for _ in range(rng.choice([3, 40, 200])):
        nested = [nested, nested]
    cyclic: list = []
    cyclic.append(cyclic)
    return rng.choice(
        [
            None, True, -1, 0, 10**400, 2**63, 1e308, float("nan"), float("inf"), [], {}, (), set(), b"",
            nested, cyclic, {1: 2}, [[1], [1, 2]], [10**400, 1.0], {"train": {}}, np.zeros((2, 3)), b"x" * 99,
            np.zeros((28, 17, 2), "f8"), np.zeros((28, 17, 3), "i4"), np.array([None] * 28), np.zeros(0),
            np.array(["a"] * 28), np.full((28, 17, 3), np.nan), [np.zeros((2, 3)), np.zeros((2, 4))], 1j,
            [np.zeros((17, 2))] * 28, np.zeros((), "f4"), np.zeros((28, 17, 1), "f2"), bytearray(3),
            [rng.choice(TEXTS)] * 28, rng.choice(TEXTS), {rng.choice(TEXTS): rng.choice(TEXTS)},
            Call(eval, "open('pwned', 'w')"), Call(np.dtype, "f8"), ["s_01_act_02_cam_01"] * 28, [1.5] * 28,
        ]
    )  # fmt: skip


def plain_values(rng: random.Random) -> Any:
    """The same for JSON."""
    return rng.choice([None, True, -1, 0, 10**400, 1e308, float("nan"), [], {}, [[[]]], "", 2**63, *TEXTS])


def replaced(
    content: Any, rng: random.Random, other: Callable[[random.Random], Any] = values, depth: int = 0
) -> Any:
    """The content of nested dicts and lists with some of it replaced, left out or added."""
    if depth and rng.random() < 0.15:
        return other(rng)
    if isinstance(content, dict):
        kept = [key for key in content if rng.random() > 0.03]
        more = {rng.choice(TEXTS): other(rng)} if rng.random() < 0.1 else {}
        return {key: replaced(content[key], rng, other, depth + 1) for key in kept} | more
    if isinstance(content, list) and rng.random() < 0.3:
        return [rng.choice([entry, rng.choice(TEXTS)]) for entry in content]
    if isinstance(content, np.ndarray) and content.size and rng.random() < 0.3:
        return rng.choice(
            [content[:-1], content.astype("S9"), content[..., :1], content.tolist(), content[::-1]]
        )
    return content


def pickled(content: Any, rng: random.Random) -> bytes:
    """The content as a pickle of some protocol."""
    return pickle.dumps(content, rng.randint(2, 5))


def altered(data: bytes, rng: random.Random) -> bytes:
    """The bytes with a few of them changed, cut out, repeated or put in."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        # the beginning says what the rest is
        at = rng.randrange(min(len(out), rng.choice([200, 10**9])) + 1)
        length = rng.choice([1, 1, 2, 8, 100])
        action = rng.randrange(6)
        if action == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif action == 1:
            out[at : at + 1] = bytes([rng.choice(BYTES)])
        elif action == 2:
            del out[at : at + length]
        elif action == 3:
            out[at:at] = out[at : at + length]
        elif action == 4:
            out[at:at] = struct.pack(
                rng.choice(["<Q", ">Q", "<I", ">I"]), rng.getrandbits(rng.choice([4, 31, 32]))
            )
        elif rng.random() < 0.2:
            del out[at:]
    return bytes(out)


def instructions(rng: random.Random) -> bytes:
    """A pickle of random instructions that hang together loosely: most of them need what came before."""
    out = [b"\x80\x04"]

    def text() -> bytes:
        word = rng.choice(TEXTS).encode("utf-8", "surrogatepass")
        return b"X" + struct.pack("<I", len(word)) + word

    def call() -> bytes:
        module, name = rng.choice(NAMES).split(" ")
        arguments = b"".join(piece() for _ in range(rng.randrange(4)))
        return (
            f"c{module}\n{name}\n".encode() + b"(" + arguments + b"t" + rng.choice([b"R", b"\x81", b"R", b""])
        )

    def piece() -> bytes:
        kinds: list[Callable[[], bytes]] = [
            text,
            lambda: b"K" + bytes([rng.randrange(256)]),
            lambda: b"J" + struct.pack("<i", rng.choice([-1, 0, 1, 2**31 - 1])),
            lambda: b"N",
            lambda: rng.choice([b"\x88", b"\x89", b"]", b"}", b")", b"\x8f"]),
            lambda: b"C" + bytes([8]) + rng.randbytes(8),
            lambda: b"cnumpy._core.multiarray\nscalar\n(" + FLAGLESS + b"C\x08AAAAAAAAtR",
            lambda: MOVED + b"K\x01" * rng.choice([1, 2**20]) + b"e0",
            lambda: b"(" + piece() + piece() + b"t",
            lambda: b"\x8a\x08" + rng.randbytes(8),
            lambda: b"h" + bytes([rng.randrange(4)]),
            lambda: b"B" + struct.pack("<I", rng.choice([8, 2**31])) + bytes(8),
        ]
        return rng.choice([call, *kinds])() if rng.random() < 0.9 else b""

    for _ in range(rng.randrange(1, 12)):
        out.append(piece())
        if rng.random() < 0.2:  # a short one is more often whole
            break
        out.append(
            rng.choice(
                [
                    b"\x94", b"\x94", b"", b"", b"b", b"(" + piece() + piece() + b"tb", b"a", b"s", b"2",
                    b"}" + text() + piece() + b"sb", b"(N}" + text() + piece() + b"stb",
                    b"(K\x03" + text() + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
                    b"(K\x01K\x01\x85" + piece() + b"\x89C\x08AAAAAAAAtb",
                    b"r" + struct.pack("<I", rng.choice([5, 2**20, 2**32 - 1])), b"\x95" + rng.randbytes(8),
                    b"Q", b"P1\n", b"\x82\x01", b"\x96" + struct.pack("<Q", rng.getrandbits(64)),
                ]
            )
        )  # fmt: skip
    return b"".join(out) + b"."


def rezipped(data: bytes, rng: random.Random, member: str, content: bytes) -> bytes:
    """The archive with another content of the members whose names end so, now and then packed or misnamed."""
    out = io.BytesIO()
    packed = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", packed) as new:
        for name in old.namelist():
            inside = content if name.endswith(member) else old.read(name)
            if rng.random() < 0.005:
                name = rng.choice(["../../pwned", "/pwned", "data.npy", "archive/data/0", "x" * 300])
            if rng.random() < 0.01:
                inside = bytes(rng.choice([0, 1, 10**7]))
            new.writestr(name, inside)
    return out.getvalue()


def misheaded(data: bytes, rng: random.Random) -> bytes:
    """A safetensors file whose header, which is JSON, says something else."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    if rng.random() < 0.3:
        header = replaced(header, rng, plain_values)
    for _ in range(rng.randrange(4)):
        name = rng.choice(list(header)) if header else ""
        entry = header.get(name)
        if isinstance(entry, dict) and isinstance(entry.get("shape"), list):
            kind = rng.choice(["I32", "U32", "F16", "F8_E4M3", "C64", "BOOL", "F32"])
            shape = rng.choice(
                [[], [0], [-1], [2**62, 4], entry["shape"][::-1], [8, 8], [64], [1, *entry["shape"]]]
            )
            header[name] = rng.choice(
                [entry | {"dtype": kind}, entry | {"shape": shape}, {**entry, "more": 1}]
            )
        if rng.random() < 0.2:
            header[rng.choice(TEXTS)] = header.pop(name, None)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text) + rng.choice([0, 0, 0, 1, -1])) + text + data[8 + length :]


def relabelled(data: bytes, rng: random.Random) -> bytes:
    """An npy file whose header, which is Python text, says something else in as many bytes."""
    (length,) = struct.unpack("<H", data[8:10])
    text = data[10 : 10 + length].decode("latin1")
    for entry, others in {
        "'<f4'": ["'|O'", "'<U9999999999'", "'<f3'", "[('a', '<f4')]", "'<m8'", "f()", "'<f4' * 9", "1j"],
        "False": ["True", "None", "2", "[]", "F"],
        "(4, 17, 3)": [
            "(2**62, 17, 3)", "(9999999999, 17, 3)", "(-4, 17, 3)", "(0, 17, 3)", "()", "4", "(4, 1.5)",
            "'a'", "(((((((((", "(True, 17, 3)", "(4, 17, 3", "(4611686018427387904, 4)",
        ],
    }.items():  # fmt: skip
        if rng.random() < 0.5:
            text = text.replace(entry, rng.choice(others))
    text = text.rstrip("\n ")[: length - 1].ljust(length - 1) + "\n"
    return data[:10] + text.encode("latin1") + data[10 + length :]
