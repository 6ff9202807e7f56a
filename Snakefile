# From the raw pickle to the compiled paper. The stages are programs of their own (`python -m poselift…`); the
# rules only say what each reads and writes.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/paper.smk"


rule all:
    default_target: True
    input:
        f"{RESULTS}/paper/main.pdf",
        f"{RESULTS}/summary.txt",
