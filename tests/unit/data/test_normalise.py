"""Normalised coordinates against values worked by hand."""

import numpy as np
import pytest
import torch

from poselift.data.normalise import denormalise, normalise


def test_corners_and_centre_of_an_image():
    pixels = np.array([[0.0, 0.0], [1000.0, 1002.0], [500.0, 501.0]])
    expected = [[-1, -1.002], [1, 1.002], [0, 0]]
    np.testing.assert_allclose(normalise(pixels, 1000, 1002), expected, atol=1e-12)


def test_depth_is_scaled_but_not_shifted():
    pixels = np.array([[500.0, 500.0, -250.0]])
    np.testing.assert_allclose(normalise(pixels, 1000, 1000), [[0, 0, -0.5]], atol=1e-12)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("channels", [2, 3])
def test_denormalise_inverts_normalise_frame_by_frame(library, channels):
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 1000, (4, 17, channels))
    width, height = np.full((4, 1), 1000.0), np.array([[1000.0], [1002.0], [1000.0], [500.0]])
    if library == "torch":
        pixels, width, height = map(torch.from_numpy, (pixels, width, height))
    before = pixels.copy() if library == "numpy" else pixels.clone()
    there = normalise(pixels, width, height)
    np.testing.assert_allclose(there[3], normalise(pixels[3], 1000, 500))
    np.testing.assert_allclose(denormalise(there, width, height), before, atol=1e-9)
    np.testing.assert_array_equal(pixels, before)
