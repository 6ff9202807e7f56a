"""Settings that make any architecture small."""

from typing import Any

from poselift.config.architectures import find


def settings_of(architecture: str, **values: Any) -> dict[str, Any]:
    """Of `values` those that are hyper-parameters of the architecture."""
    return {name: value for name, value in values.items() if name in find(architecture).settings.model_fields}
