# The paper is made again, apart from what was built, and compared with what it states. No inputs: nothing may be
# built before, or the paper would be compared with itself.
import json


rule certificate:
    log:
        f"{RESULTS}/logs/paper/certificate.log",
    # Snakemake itself runs in it, where it is asked for
    localrule: True
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        gpu=1,
    params:
        paper=SETTINGS.certificate.paper or f"{RESULTS}/paper",
        taken=SETTINGS.certificate.taken,
        workflow=lambda wildcards: json.dumps(
            {
                "config": config,
                "configfiles": list(map(str, workflow.configfiles)),
                "rules": [each.name for each in workflow.rules],
            }
        ),
        parts=[
            *PAPER_TABLES,
            *DRAWN,
            *expand(f"{RESULTS}/figures/{{name}}.tex", name=PAPER_FIGURES),
            *expand(f"{RESULTS}/{{name}}", name=("numbers.tex", "provenance.tex", "provenance.json")),
        ],
        out=f"{RESULTS}/certificate",
    shell:
        "python -m poselift.certificate.certify {params.paper:q} --taken {params.taken}"
        " --workflow {params.workflow:q} --parts {params.parts} --cores {threads} --out {params.out}"
        " 2>&1 | tee {log}"
