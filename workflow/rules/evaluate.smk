# The protocol on every run and on the reference rows, and the cost of every model.


rule evaluate:
    input:
        unpack(clips_of_run),
        history="results/{dataset}/runs/{run}/history.json",
        weights=[
            ancient(f"results/{{dataset}}/runs/{{run}}/{checkpoint}_model.safetensors")
            for checkpoint in ("best", "last")
        ],
    output:
        report="results/{dataset}/evaluation/{run}.json",
        examples="results/{dataset}/evaluation/{run}-examples.npz",
    log:
        "results/{dataset}/logs/evaluate/{run}.log",
    benchmark:
        "results/{dataset}/benchmarks/evaluate/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=1,
        dataset=DATA.option,
        lifter=lifter,
    params:
        code=evaluation_code,
        store=subpath(input.frames, ancestor=2),
        folder=subpath(input.history, parent=True),
    shell:
        "python -m poselift.evaluation.evaluate --run {params.folder} --store {params.store} {resources.dataset}"
        " {resources.lifter} --out {output.report}"
        " > {log} 2> >(tee -a {log} >&2)"


rule references:
    input:
        **clips(SETTINGS.n_frames),
    output:
        report=f"{RESULTS}/evaluation/references.json",
    log:
        f"{RESULTS}/logs/evaluate/references.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/references.tsv"
    conda:
        ENVIRONMENT
    resources:
        dataset=DATA.named(SETTINGS.dataset),
    params:
        code=code("poselift.evaluation.references", *DATA.code_entries(SETTINGS.dataset)),
        store=subpath(input.frames, ancestor=2),
        n_frames=SETTINGS.n_frames,
    shell:
        "python -m poselift.evaluation.references --store {params.store} {resources.dataset}"
        " --n-frames {params.n_frames} --out {output.report}"
        " > {log} 2> >(tee -a {log} >&2)"


# of a model of the grid, or of the ablation where it has other hyper-parameters or frames
rule cost:
    output:
        table=f"{RESULTS}/cost/{{model}}.csv",
    log:
        f"{RESULTS}/logs/cost/{{model}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/cost/{{model}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        lifter=lifter,
    params:
        code=cost_code,
        options=cost_options,
    shell:
        "python -m poselift.models.cost {params.options} {resources.lifter} --out {output.table}"
        " > {log} 2> >(tee -a {log} >&2)"
