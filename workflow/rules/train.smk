# One job per run. Its unfinished state lies in <run>/state, undeclared, so that Snakemake leaves it alone when it
# deletes the outputs of a job that failed; a finished training stays in results/<dataset>/finished. What readers get
# of a run is made from its raw history by a rule of its own, whose code trains nothing.


rule train:
    input:
        unpack(training_clips),
    output:
        best="results/{dataset}/runs/{run}/best_model.safetensors",
        last="results/{dataset}/runs/{run}/last_model.safetensors",
        settings="results/{dataset}/runs/{run}/config.yaml",
        training_log="results/{dataset}/runs/{run}/training.log",
        history="results/{dataset}/runs/{run}/history.json",
    log:
        "results/{dataset}/logs/train/{run}.log",
    benchmark:
        "results/{dataset}/benchmarks/train/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **processes_of(run_settings),
        # how a machine trains changes no weights: a resource, unlike a parameter, makes nothing stale
        execution=options(SETTINGS.execution),
        lifter=lifter,
    params:
        code=training_code,
        options=run_options,
        store=subpath(input.frames, ancestor=2),
        folder=subpath(output.history, parent=True),
    shell:
        "{resources.launcher} python -m poselift.training.train --store {params.store} --out {params.folder}"
        " --kept results/{wildcards.dataset}/finished"
        " --threads {threads} {params.options} {resources.lifter} {resources.execution}"
        " > {log} 2> >(tee -a {log} >&2)"


rule outcome:
    input:
        history="results/{dataset}/runs/{run}/history.json",
    output:
        metrics="results/{dataset}/runs/{run}/metrics.json",
        record="results/{dataset}/runs/{run}/provenance.json",
    log:
        "results/{dataset}/logs/outcome/{run}.log",
    benchmark:
        "results/{dataset}/benchmarks/outcome/{run}.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.training.outcome"),
        folder=subpath(input.history, parent=True),
    shell:
        "python -m poselift.training.outcome --run {params.folder}" " > {log} 2> >(tee -a {log} >&2)"
