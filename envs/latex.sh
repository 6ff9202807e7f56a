#!/bin/sh
# Bring LaTeX, where it is missing: as root through apt, else say the one line to run.
set -eu
packages="texlive-latex-recommended texlive-pictures texlive-fonts-recommended texlive-latex-extra latexmk poppler-utils"

if command -v latexmk >/dev/null && kpsewhich booktabs.sty cleveref.sty >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing LaTeX (about 100 MB, a minute or two) ..."
    log=$(mktemp)
    if apt-get update -qq >"$log" 2>&1 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >>"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log" >&2
    echo "error: LaTeX could not be installed; the whole log: $log" >&2
    exit 1
fi
echo "error: LaTeX is missing; run: sudo apt-get install --no-install-recommends $packages" >&2
exit 1
