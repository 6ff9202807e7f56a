"""The data set that a frame store holds, which says what is measured on it."""

from pathlib import Path

from poselift.config.datasets import Dataset, dataset
from poselift.data.store import read_manifest
from poselift.errors import PoseliftError


def dataset_of(store: Path, given: str | None) -> Dataset:
    """The data set of the store: `given` by its name, or by a file of one's own, or as the manifest names it.
    Raises `PoseliftError` if it is not the one that the manifest names."""
    there = read_manifest(store).get("dataset")
    found = dataset(given or there or "human36m")
    if there and found.name != there:
        raise PoseliftError(f"--dataset {given}: the store {store} holds {there}")
    return found
