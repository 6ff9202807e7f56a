// A click on a column's heading sorts by it: rising, falling, as it was. What has no number stays last.
for (const table of document.querySelectorAll("table")) {
  const bodies = [...table.tBodies];
  const original = bodies.map((body) => [...body.rows]);
  const headings = [...table.tHead.rows].at(-1).cells;
  const key = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b
    : typeof a === typeof b ? a.localeCompare(b, "en", { numeric: true }) : 0;
  for (const [column, heading] of [...headings].entries()) {
    if (!heading.textContent.trim()) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[heading.getAttribute("aria-sort")];
      const order = next === undefined ? "ascending" : next;
      for (const each of headings) each.removeAttribute("aria-sort");
      original.forEach((rows, i) => bodies[i].append(...rows));
      if (!order) return;
      heading.setAttribute("aria-sort", order);
      const rows = original.flat();
      const numeric = rows.some((row) => typeof key(row, column) === "number");
      const last = (row) => numeric && typeof key(row, column) !== "number";
      rows.sort((a, b) =>
        last(a) - last(b) || compare(key(a, column), key(b, column)) * (order === "ascending" ? 1 : -1));
      bodies[0].append(...rows);
    });
  }
}

// The bar marks the section that is read; frames say on which side there is more of a table.
{
  const links = new Map([...document.querySelectorAll(".bar nav a")].map((link) => [link.hash.slice(1), link]));
  const headings = [...links.keys()].map((id) => document.getElementById(id));
  const mark = () => {
    const read = headings.filter((each) => each.getBoundingClientRect().top < window.innerHeight / 3).at(-1) ?? headings[0];
    for (const [id, link] of links) {
      const here = id === read.id;
      if (here === link.hasAttribute("aria-current")) continue;
      link.toggleAttribute("aria-current", here);
      const nav = link.parentElement;
      if (here) nav.scrollLeft = link.offsetLeft - nav.clientWidth / 2;
    }
  };
  if (headings.length) {
    document.addEventListener("scroll", mark, { passive: true });
    mark();
  }
  for (const frame of document.querySelectorAll(".scroll")) {
    const look = () => {
      const sides = [];
      if (frame.scrollLeft > 1) sides.push("left");
      if (frame.scrollLeft + frame.clientWidth < frame.scrollWidth - 1) sides.push("right");
      frame.toggleAttribute("data-more", sides.length > 0);
      if (sides.length) frame.dataset.more = sides.join(" ");
    };
    frame.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(frame);
  }
}

// A click on a figure fills the window with it; another, or Escape, leads back.
{
  const large = document.createElement("dialog");
  large.className = "large";
  large.addEventListener("click", () => large.close());
  document.body.append(large);
  for (const plot of document.querySelectorAll(".plot"))
    plot.addEventListener("click", () => {
      large.replaceChildren(plot.querySelector("img").cloneNode());
      large.showModal();
    });
}
