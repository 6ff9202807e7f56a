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

// A pointer at a value of a figure, or the arrow keys, read it out. A click fills the window with the figure;
// another beside its values, or Escape, leads back.
{
  const NEAR = 24;
  function answer(place, points) {
    const [tip, ring] = ["output", "i"].map((tag) => document.createElement(tag));
    tip.className = "tip";
    ring.className = "ring";
    place.append(ring, tip);
    let now = -1;
    const show = (index) => {
      now = index;
      tip.hidden = ring.hidden = index < 0;
      if (index < 0) return;
      const [x, y, text] = points[index];
      tip.textContent = text;
      for (const each of [tip, ring]) Object.assign(each.style, { left: `${100 * x}%`, top: `${100 * y}%` });
      tip.dataset.side = x < 0.5 ? "right" : "left";
    };
    const nearest = (event) => {
      const box = place.getBoundingClientRect();
      const away = ([x, y]) => Math.hypot(box.left + x * box.width - event.clientX, box.top + y * box.height - event.clientY);
      const best = points.reduce((one, point, index) => (one < 0 || away(point) < away(points[one]) ? index : one), -1);
      return best >= 0 && away(points[best]) < NEAR ? best : -1;
    };
    place.addEventListener("pointermove", (event) => show(nearest(event)));
    place.addEventListener("pointerleave", () => show(-1));
    place.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step || !points.length) return;
      event.preventDefault();
      show(now < 0 && step < 0 ? points.length - 1 : (now + step + points.length) % points.length);
    });
    show(-1);
    return (event) => { show(nearest(event)); return now >= 0; };
  }
  const large = document.createElement("dialog");
  large.className = "large";
  document.body.append(large);
  let read = () => false;
  large.addEventListener("click", (event) => read(event) || large.close());
  for (const plot of document.querySelectorAll(".plot")) {
    const points = JSON.parse(plot.parentElement.querySelector("script")?.textContent ?? "[]");
    answer(plot, points);
    plot.addEventListener("click", () => {
      const place = document.createElement("div");
      place.append(plot.querySelector("img").cloneNode());
      large.replaceChildren(place);
      read = answer(place, points);
      large.showModal();
    });
  }
}
