# From the raw pickle to the compiled paper. The stages are programs of their own (`python -m poselift…`); the
# rules only say what each reads and writes.
from snakemake.utils import min_version

# earlier ones overlook changed parameters of rules without input (9.1.2 does)
min_version("9.1.5")


include: "workflow/rules/start.smk"


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


# used with --sdm apptainer; made from envs/poselift.def
container: "envs/poselift.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/receipts.smk"
include: "workflow/rules/certificate.smk"


rule all:
    default_target: True
    input:
        f"{RESULTS}/paper/main.pdf",
        f"{RESULTS}/summary.txt",
        f"{RESULTS}/report.html",
        f"{RESULTS}/setup.md",
        TABLE_PAGES,
        FOUND if SETTINGS.search.with_paper else [],
        LEFT_MISSING,


# the hyper-parameter search of config.yaml
rule search:
    input:
        FOUND,


# the runs of `experiments`, outside the paper
rule experiments:
    input:
        expand(f"{RESULTS}/evaluation/{{run}}.json", run=SETTINGS.variant_runs(SETTINGS.experiments)),
