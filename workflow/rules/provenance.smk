# What the paper was made from, what it claims, and what co-authors get.
from poselift.analysis.to_reproduce import described

HANDOVER = f"{RESULTS}/handover/{SETTINGS.dataset}-paper"


rule judge:
    input:
        **TIDY,
        claims="paper/claims.yaml",
    output:
        judged=in_report(f"{RESULTS}/claims.json", "claims", "Paper", part="claims"),
    log:
        f"{RESULTS}/logs/paper/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/claims.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.analysis.claims"),
        view=plan.options_of("poselift.analysis.claims", VIEW),
    shell:
        "python -m poselift.analysis.claims --results {input.results} --claims {input.claims} {params.view}"
        " --out {output.judged}"
        " > {log} 2> >(tee -a {log} >&2)"


# prints the verdict on each claim; fails unless all are supported
rule claims:
    input:
        judged=f"{RESULTS}/claims.json",
    log:
        f"{RESULTS}/logs/paper/claims_checked.log",
    localrule: True
    conda:
        ENVIRONMENT
    shell:
        "python -m poselift.analysis.verdicts {input.judged} 2>&1 | tee {log}"


# published numbers trained again, outside the paper
rule judge_reproduction:
    input:
        evaluations=expand(
            f"{RESULTS}/evaluation/{{run}}.json", run=SETTINGS.variant_runs(SETTINGS.reproduction)
        ),
        published=published_checked,
    output:
        judged=f"{RESULTS}/reproduction.json",
    log:
        f"{RESULTS}/logs/paper/reproduction.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/reproduction.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.analysis.reproduction"),
        view=plan.options_of("poselift.analysis.reproduction", VIEW),
        entries=described(SETTINGS.reproduction),
    shell:
        "python -m poselift.analysis.reproduction --evaluations {input.evaluations} --published {input.published}"
        " --entries {params.entries:q} {params.view} --out {output.judged}"
        " > {log} 2> >(tee -a {log} >&2)"


# prints which published numbers came out again; fails unless all did
use rule claims as reproduction with:
    input:
        judged=f"{RESULTS}/reproduction.json",
    log:
        f"{RESULTS}/logs/paper/reproduction_checked.log",
    localrule: True


rule provenance:
    input:
        parts=[*PAPER_TABLES, *DRAWN, f"{RESULTS}/numbers.tex"],
        pins=ancient("envs/constraints.txt"),
        template=f"{TEMPLATES}/provenance.tex.j2",
    output:
        record=f"{RESULTS}/provenance.json",
        text=f"{RESULTS}/provenance.tex",
    log:
        f"{RESULTS}/logs/paper/provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/provenance.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.provenance.record", "poselift.paper.provenance_appendix"),
        results=subpath(output.record, parent=True),
        frozen=list(FROZEN),
    shell:
        "(python -m poselift.provenance.record --results {params.results} --parts {input.parts} --frozen {params.frozen}"
        " --pins {input.pins} --out {output.record}"
        " && python -m poselift.paper.provenance_appendix --record {output.record} --out {output.text})"
        " > {log} 2> >(tee -a {log} >&2)"


# the paper for co-authors and for arXiv
rule handover:
    input:
        pdf=f"{RESULTS}/paper/main.pdf",
    output:
        zip=f"{HANDOVER}.zip",
        arxiv=f"{HANDOVER}-arxiv.tar.gz",
    log:
        f"{RESULTS}/logs/paper/handover.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper/handover.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.paper.handover"),
        paper=subpath(input.pdf, parent=True),
        folder=subpath(output.zip, parent=True),
        name=subpath(output.zip, basename=True, strip_suffix=".zip"),
        draft="--draft" if SETTINGS.draft else "",
    shell:
        "python -m poselift.paper.handover pack {params.paper} --out {params.folder} --name {params.name}"
        " {params.draft} > {log} 2> >(tee -a {log} >&2)"
