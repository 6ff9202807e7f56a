# Motion: the raw pickle (or synthetic motion in its schema), the frame store, the index of clips.
# Large files are inputs by `ancient`: what counts is the manifest beside them, which holds their hashes.

if SETTINGS.data.synthetic:
    RAW = f"{STORE}/raw.pkl"
    RAW_DIGEST = f"{STORE}/raw.sha256"
    RAW_CONTENT = None  # made by a rule, whose digest says when it changed

    rule synthetic:
        output:
            raw=RAW,
            digest=RAW_DIGEST,
        log:
            f"{RESULTS}/logs/synthetic.log",
        benchmark:
            f"{RESULTS}/benchmarks/synthetic.tsv"
        conda:
            ENVIRONMENT
        params:
            code=code("poselift.synthetic.__main__", "poselift.provenance.hashing"),
            options=sections.options(SETTINGS.data.synthetic),
        shell:
            "python -m poselift.synthetic {params.options} --out {output.raw}"
            " > {log} 2> >(tee -a {log} >&2)"
            " && python -m poselift.provenance.hashing {output.raw} --out {output.digest}"

else:
    RAW = str(SETTINGS.data.raw)
    RAW_DIGEST = []
    RAW_CONTENT = content(RAW, RESULTS)

EXPECTED_CLIPS = " ".join(
    f"--expect-{split} {count}" for split, count in (SETTINGS.data.expected_clips or {}).items()
)


FRAMES = [
    f"{STORE}/frames/{split}/{array}"
    for split in SPLITS
    for array in ("inputs.npy", "labels.npy", "sequence.npy", "sequences.json")
] + [f"{STORE}/frames/test/factor.npy", f"{STORE}/frames/test/target_mm.npy"]


rule raw:
    # a step of its own: a faulty file stops here, before Snakemake clears what an earlier one gave
    input:
        raw=ancient(RAW),
        digest=RAW_DIGEST,
    output:
        found=f"{STORE}/raw.json",
    log:
        f"{RESULTS}/logs/raw.log",
    benchmark:
        f"{RESULTS}/benchmarks/raw.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.datasets.human36m.raw"),
        content=RAW_CONTENT,
        options=sections.options(SETTINGS.data, only=("sha256",)),
    shell:
        "python -m poselift.datasets.human36m.raw --raw {input.raw:q} --out {output.found} {params.options}"
        " > {log} 2> >(tee -a {log} >&2)"


rule frames:
    input:
        raw=ancient(RAW),
        found=f"{STORE}/raw.json",
    output:
        manifest=f"{STORE}/frames/manifest.json",
        arrays=FRAMES,
    log:
        f"{RESULTS}/logs/frames.log",
    benchmark:
        f"{RESULTS}/benchmarks/frames.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.data.prepare"),
        store=subpath(output.manifest, ancestor=2),
    shell:
        "python -m poselift.data.prepare --raw {input.raw:q} --out {params.store}"
        " > {log} 2> >(tee -a {log} >&2)"


rule clips:
    input:
        frames=f"{STORE}/frames/manifest.json",
    output:
        manifest=f"{STORE}/clips-{{n_frames}}/manifest.json",
        index=[f"{STORE}/clips-{{n_frames}}/{split}.npy" for split in SPLITS],
    log:
        f"{RESULTS}/logs/clips-{{n_frames}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/clips-{{n_frames}}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code("poselift.data.clips"),
        options=lambda wildcards: EXPECTED_CLIPS if int(wildcards.n_frames) == SETTINGS.n_frames else "",
        store=subpath(input.frames, ancestor=2),
    shell:
        "python -m poselift.data.clips --store {params.store} --n-frames {wildcards.n_frames} {params.options}"
        " > {log} 2> >(tee -a {log} >&2)"
