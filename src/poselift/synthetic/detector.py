"""An imitation of a 2D joint detector: its errors and its confidence."""

import numpy as np
from numpy.typing import NDArray

from poselift.skeleton import LEFT, N_JOINTS, RIGHT
from poselift.synthetic.cameras import Camera
from poselift.synthetic.curves import Array

SPREAD = np.array([2.2, 2.8, 3.2, 3.8, 2.8, 3.2, 3.8, 2.4, 2.4, 2.4, 2.5, 2.9, 3.9, 5.0, 2.9, 3.9, 5.0])
"""Standard error of each joint (J,), px, at 4.5 mm per pixel: wrists and ankles are the hardest."""

LIMBS = ((LEFT[:3], RIGHT[:3]), (LEFT[3:], RIGHT[3:]))
"""Left and right legs, then arms; of each its root, middle and end."""


def correlated(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Noise of unit variance (T, C): a quarter white, the rest correlated in time over about 10 frames."""
    reach = 22
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 7.5) ** 2)
    kernel *= np.sqrt(0.75 / (kernel**2).sum())
    white = rng.standard_normal(shape, dtype=np.float32)
    source = rng.standard_normal((shape[0] + 2 * reach, shape[1]), dtype=np.float32)
    length = len(source)
    spectrum = np.fft.rfft(source, axis=0) * np.fft.rfft(kernel, length)[:, None]
    # the first values wrap round
    slow = np.fft.irfft(spectrum, length, axis=0)[2 * reach :]
    return 0.5 * white + slow.astype(np.float32)


def _drift(rng: np.random.Generator, found: Array) -> None:
    """Let now and then a limb of `found` (T, J, 2) drift away and come back, its end more than its middle."""
    t = np.arange(len(found))
    for _ in range(rng.poisson(len(found) / 100)):
        side = rng.integers(2)
        _, middle, end = LIMBS[rng.integers(2)][side]
        length = rng.uniform(6, 30)
        begin = rng.uniform(-length, len(found))
        away = np.sin(np.pi * np.clip((t - begin) / length, 0, 1))[:, None] ** 2 * rng.normal(0, 22, 2)
        found[:, middle] += 0.45 * away
        found[:, end] += away


def _swap(rng: np.random.Generator, found: Array) -> None:
    """Exchange now and then the left and right leg or arm of `found` (T, J, 2) for some frames."""
    for _ in range(rng.poisson(len(found) / 350)):
        left, right = LIMBS[rng.integers(2)]
        begin, length = rng.integers(len(found)), rng.integers(2, 15)
        frames = slice(begin, begin + length)
        found[frames, right + left] = found[frames, left + right]


def detect(rng: np.random.Generator, camera: Camera, pose: Array, factor: Array) -> tuple[Array, Array]:
    """Detections (T, J, 2), px, and confidences (T, J, 1) for a 2.5D pose (T, J, 3) and its factor (T,).

    Errors are correlated in time, and larger for a person who is near (in px) and for joints behind the
    root; limbs drift away, left and right are swapped. The confidence falls with the error, but is noisy.
    """
    frames, true = len(pose), pose[:, :, :2]
    size = 4.5 / factor[:, None]
    behind = 1 + 0.6 * np.clip(pose[:, :, 2] / 100, 0, 1)
    jitter = correlated(rng, (frames, 2 * N_JOINTS)).reshape(frames, N_JOINTS, 2)
    found = true + (SPREAD * size * behind)[:, :, None] * jitter
    _drift(rng, found)
    _swap(rng, found)
    found = np.clip(found, 0, [camera.width - 1, camera.height - 1])
    error = np.linalg.norm(found - true, axis=-1) / size
    sure = 0.93 / (1 + (error / 32) ** 1.25) + 0.03 * correlated(rng, (frames, N_JOINTS))
    return found, np.clip(sure, 0.01, 1)[:, :, None]
