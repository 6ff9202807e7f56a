"""The hyper-parameters of a MambaGCN block, for the architectures that have one."""

from typing import Literal, Self

from pydantic import Field, model_validator

from poselift.config.sections import Section


class MambaGCNBlockSettings(Section):
    """A MambaGCN block. Values outside the range that they are `meant` for are allowed, with a warning."""

    mamba_gcn_dim: int = Field(
        256,
        ge=8,
        multiple_of=8,
        description="inner width of the MambaGCN block's SSM, which 8 heads share",
        json_schema_extra={"meant": [128, 512]},
    )
    fusion_alpha: float = Field(
        0.5, gt=0, lt=1, description="share of the SSM at the start", json_schema_extra={"meant": [0.3, 0.7]}
    )
    gcn_dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout of the graph branch", json_schema_extra={"meant": [0.1, 0.3]}
    )
    ssm_backend: Literal["auto", "triton", "mamba_ssm", "torch"] = Field(
        "auto", description="code of the SSD layer (auto: triton on a GPU that can, torch elsewhere)"
    )
    mamba_gcn_parts: Literal["ssm+gcn", "ssm", "gcn"] = Field(
        "ssm+gcn", description="parts of the MambaGCN block"
    )
    mamba_gcn_fusion: Literal["learned", "fixed"] = Field(
        "learned", description="whether the share of the SSM is trained or stays as at the start"
    )
    ssm_directions: Literal["both", "forward"] = Field("both", description="directions the SSM reads in")

    @model_validator(mode="after")
    def _switches_agree(self) -> Self:
        if self.mamba_gcn_parts == "gcn" and self.ssm_directions != "both":
            raise ValueError("ssm_directions has no meaning without the SSM (mamba_gcn_parts: gcn)")
        if self.mamba_gcn_parts != "ssm+gcn" and self.mamba_gcn_fusion != "learned":
            raise ValueError("mamba_gcn_fusion has no meaning with one part (mamba_gcn_parts)")
        return self
