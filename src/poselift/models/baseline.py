"""MotionAGFormer (Mehraban, Adeli, Taati; WACV 2024), the baseline."""

from poselift.config.models import BaselineSettings, ModelSize
from poselift.models.blocks import MotionAGFormerBlock, PoseLifter


def build(size: ModelSize, n_frames: int, settings: BaselineSettings) -> PoseLifter:
    """MotionAGFormer with freshly drawn weights; parameters have the published names."""
    return PoseLifter(
        size.dim,
        n_frames,
        [MotionAGFormerBlock(size.dim, n_frames, settings) for _ in range(size.depth)],
    )
