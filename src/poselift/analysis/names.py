"""How the paper calls architectures, reference rows and metrics."""

from poselift.evaluation.metrics import METRICS

ARCHITECTURE_LABELS = {"baseline": "Baseline", "mamba_gcn": "MambaGCN", "full": "Full"}

REFERENCE_LABELS = {"mean_pose": "Mean pose", "copy_2d": "Copy 2D"}

GROUND_TRUTH_REFERENCE_LABELS = {"mean_pose": "Mean pose", "copy_gt2d": "Copy 2D"}

METRIC_LABELS = {name: metric.label for name, metric in METRICS.items()}


def architecture_label(architecture: str) -> str:
    """An architecture's name in the paper; one without such a name keeps its own."""
    return ARCHITECTURE_LABELS.get(architecture, architecture)


def second_dataset_title(synthetic: bool) -> str:
    """How the paper calls the second data set, or the synthetic motion that stands in for it."""
    return f"{'synthetic motion in the form of ' if synthetic else ''}MPI-INF-3DHP"


def metric_decimals(metric: str, decimals: int) -> int:
    """Decimals of a metric where positions have `decimals`."""
    return METRICS[metric].decimals(decimals)
