"""The README's picture out of a finished demonstration: skeletons, and the paper's page with the main table.

`make picture` runs it on results/demo; it needs pdftotext and pdftoppm (poppler-utils).
"""

import argparse
import io
import subprocess
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

SIZE = (1500, 780)
PAGE_WIDTH = 600
GAP = 20


def page_of(pdf: Path, words: str) -> Image.Image:
    """The first page of `pdf` that has `words`."""
    text = subprocess.run(["pdftotext", pdf, "-"], check=True, capture_output=True, text=True).stdout
    number = str(next(i for i, page in enumerate(text.split("\f"), 1) if words in page))
    command = ["pdftoppm", "-f", number, "-l", number, "-r", "150", pdf]
    ppm = subprocess.run(command, check=True, capture_output=True)
    return Image.open(io.BytesIO(ppm.stdout)).convert("RGB")


def trimmed(picture: Image.Image) -> Image.Image:
    """`picture` without the white around it."""
    white = Image.new("RGB", picture.size, "white")
    return picture.crop(ImageChops.difference(picture, white).getbbox())


def beside_each_other(skeletons: Image.Image, page: Image.Image) -> Image.Image:
    """Skeletons at the left, a page at the right, each as large as fits."""
    whole = Image.new("RGB", SIZE, "white")
    height = SIZE[1] - 2 * GAP
    for picture, left, width in (
        (skeletons, GAP, SIZE[0] - PAGE_WIDTH - 3 * GAP),
        (page, SIZE[0] - PAGE_WIDTH - GAP, PAGE_WIDTH),
    ):
        fitted = ImageOps.contain(picture, (width, height), Image.Resampling.LANCZOS)
        whole.paste(fitted, (left + (width - fitted.width) // 2, GAP + (height - fitted.height) // 2))
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/demo"), help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("docs/demo-page.png"), help="default: %(default)s")
    given = parser.parse_args()
    skeletons = trimmed(Image.open(given.results / "figures/qualitative.png").convert("RGB"))
    page = ImageOps.expand(trimmed(page_of(given.results / "paper/main.pdf", "Table 1:")), 20, "white")
    picture = beside_each_other(skeletons, ImageOps.expand(page, 2, "#bbb"))
    picture.quantize(64).save(given.out, optimize=True)
    print(f"{given.out}: {given.out.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
