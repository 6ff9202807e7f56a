// Plays clips: 2D input, and the prediction of each model over the ground truth, in 3D. All poses turn together.
// Data without a scale of errors have no ground truth: `target` are the poses, and clips differ in length
// and have frames that are interpolated.
{
  const player = document.getElementById("player");
  const data = JSON.parse(player.querySelector("script[type='application/json']").textContent);
  const field = (name) => player.querySelector(`[name=${name}]`);
  const { joints, bones, frames, clips, models } = data;
  const DEGREES = Math.PI / 180;
  const START = { azimuth: 40, elevation: 12 };
  const state = { ...START, frame: 0, playing: false };
  const judged = "scale" in data;
  const length = () => clips[clip].frames ?? frames;
  const side = (joint) => (data.left.includes(joint) ? "left" : data.right.includes(joint) ? "right" : "ink");

  // what `poselift.report.player.packed` wrote: (clip, joint, channel, frame)
  async function unpack(text, channels) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const n = planes.length / 2;
    const values = new Int32Array(n);
    for (let i = 0, sum = 0; i < n; i++) {
      const code = planes[i] | (planes[n + i] << 8);
      sum = (i % frames ? sum : 0) + ((code >> 1) ^ -(code & 1));
      values[i] = sum;
    }
    // the positions of all joints in a frame
    return (clip, frame) => joints.map((_, joint) =>
      Array.from({ length: channels }, (_, c) => values[((clip * joints.length + joint) * channels + c) * frames + frame]));
  }
  const kept = new Map();
  const unpacked = (text, channels) => {
    if (!kept.has(text)) kept.set(text, unpack(text, channels));
    return kept.get(text);
  };

  // as the figures: seen from the side of the camera and from above; x right, y down, z away
  const turned = ([x, y, z]) => {
    const [a, e] = [state.azimuth * DEGREES, state.elevation * DEGREES];
    const away = -Math.sin(a) * x + Math.cos(a) * z;
    return [Math.cos(a) * x + Math.sin(a) * z, Math.cos(e) * y - Math.sin(e) * away, Math.cos(e) * away + Math.sin(e) * y];
  };
  const colours = {};
  const readColours = () => {
    const style = getComputedStyle(player);
    for (const name of ["ink", "left", "right", "truth", "floor", "low", "middle", "high"])
      colours[name] = style.getPropertyValue(`--${name}`).trim();
  };
  const mixed = (one, other, share) => {
    const part = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
    return `rgb(${[0, 1, 2].map((i) => Math.round(part(one, i) * (1 - share) + part(other, i) * share)).join()})`;
  };
  const colourOf = (error) => {
    const share = Math.min(error / data.scale, 1) * 2;
    return share < 1 ? mixed(colours.low, colours.middle, share) : mixed(colours.middle, colours.high, share - 1);
  };

  let shown = []; // the views: {canvas, model, word, points, errors}
  let target, input, clip = 0, extent = 1000, box = [0, 0, 1, 1], floor = 0, middle = 0;

  function makeView(title, model) {
    const figure = document.createElement("figure");
    figure.innerHTML = "<figcaption><b></b> <span></span></figcaption><canvas></canvas><output></output>";
    const canvas = figure.querySelector("canvas");
    figure.querySelector("b").textContent = title;
    player.querySelector(".views").append(figure);
    const view = { canvas, model, error: figure.querySelector("span"), word: figure.querySelector("output") };
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", model ? `${title}${judged ? ": prediction over the ground truth" : ""}` : title);
    if (model) {
      canvas.tabIndex = 0;
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        view.from = [event.clientX, event.clientY];
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!view.from) return name(view, event);
        turn(event.clientX - view.from[0], event.clientY - view.from[1]);
        view.from = [event.clientX, event.clientY];
      });
      for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (view.from = null));
      canvas.addEventListener("pointerleave", () => (view.word.textContent = ""));
      canvas.addEventListener("click", (event) => name(view, event));
      canvas.addEventListener("dblclick", () => { Object.assign(state, START); draw(); });
      canvas.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] }[event.key];
        if (!step) return;
        event.preventDefault();
        turn(...step);
      });
    }
    return view;
  }
  function turn(across, down) {
    state.azimuth = (((state.azimuth + across / 2 + 180) % 360) + 360) % 360 - 180;
    state.elevation = Math.max(-90, Math.min(90, state.elevation + down / 2));
    draw();
  }
  function name(view, event) {
    const at = view.canvas.getBoundingClientRect();
    const distance = ([x, y]) => Math.hypot(x - (event.clientX - at.left), y - (event.clientY - at.top));
    const nearest = view.points.reduce((best, point, joint) =>
      (distance(point) < distance(view.points[best]) ? joint : best), 0);
    const near = distance(view.points[nearest]) < 24;
    view.word.textContent = !near ? "" :
      joints[nearest] + (judged ? `: ${Math.round(view.errors[nearest])} mm` : "");
  }

  function prepared(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.lineCap = "round";
    return [pen, width, height];
  }
  function line(pen, from, to, width, colour) {
    pen.beginPath();
    pen.moveTo(from[0], from[1]);
    pen.lineTo(to[0], to[1]);
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }
  function drawInput({ canvas }) {
    const [pen, width, height] = prepared(canvas);
    const scale = Math.min(width / box[2], height / box[3]);
    const at = ([x, y]) => [width / 2 + (x - box[0]) * scale, height / 2 + (y - box[1]) * scale];
    const points = input(clip, state.frame).map(at);
    for (const [from, to] of bones) line(pen, points[from], points[to], 2.5, colours[side(to)]);
    for (const [joint, [x, y]] of points.entries()) {
      pen.beginPath();
      pen.arc(x, y, 2.5, 0, 7);
      pen.fillStyle = colours[side(joint)];
      pen.fill();
    }
  }
  function drawPose(view) {
    const [pen, width, height] = prepared(view.canvas);
    const scale = Math.min(width, height) / (2 * extent);
    const at = (point) => {
      const [x, y, depth] = turned([point[0], point[1] - middle, point[2]]);
      return [width / 2 + x * scale, height / 2 + y * scale, depth];
    };
    for (let i = -2; i <= 2; i++) {
      const [far, step] = [extent * 0.6, i * extent * 0.3];
      line(pen, at([step, floor, -far]), at([step, floor, far]), 1, colours.floor);
      line(pen, at([-far, floor, step]), at([far, floor, step]), 1, colours.floor);
    }
    const truth = target(clip, state.frame);
    const off = view.residual(clip, state.frame);
    view.errors = off.map((vector) => Math.hypot(...vector));
    view.points = truth.map((point, joint) => at(point.map((value, c) => value + off[joint][c])));
    const real = truth.map(at);
    if (judged) for (const [from, to] of bones) line(pen, real[from], real[to], 4, colours.truth);
    const shade = (joint, limb) => (judged ? colourOf(view.errors[joint]) : colours[side(limb)]);
    const depth = ([from, to]) => view.points[from][2] + view.points[to][2];
    for (const [from, to] of [...bones].sort((one, other) => depth(other) - depth(one))) {
      const [a, b] = [view.points[from], view.points[to]];
      const blend = pen.createLinearGradient(a[0], a[1], b[0], b[1]);
      blend.addColorStop(0, shade(from, to));
      blend.addColorStop(1, shade(to, to));
      line(pen, a, b, side(to) === "right" ? 1.8 : 2.8, blend);
    }
    for (const [joint, [x, y]] of view.points.entries()) { // larger where the error is: not by colour alone
      pen.beginPath();
      pen.arc(x, y, judged ? 2 + 3.5 * Math.min(view.errors[joint] / data.scale, 1) : 2.5, 0, 7);
      pen.fillStyle = shade(joint, joint);
      pen.fill();
    }
    if (!judged) return;
    const now = view.errors.reduce((sum, error) => sum + error, 0) / joints.length;
    view.error.textContent = `${now.toFixed(0)} mm here, ${view.model.mpjpe[clip].toFixed(1)} mm over the clip`;
  }
  function draw() {
    if (!target) return;
    const interpolated = clips[clip].interpolated?.includes(state.frame) ?? false;
    for (const view of shown) {
      (view.model ? drawPose : drawInput)(view);
      view.canvas.style.opacity = interpolated ? 0.4 : 1;
      if (!judged) view.error.textContent = interpolated ? "interpolated" : "";
    }
    field("frame").value = state.frame;
    field("time").textContent = `frame ${state.frame + 1} of ${length()}, ${(state.frame / data.fps).toFixed(2)} s`;
    Object.assign(player.dataset, {
      frame: state.frame, azimuth: state.azimuth, elevation: state.elevation, playing: state.playing, clip,
    });
  }

  function options(select, entries) {
    const before = select.value;
    select.replaceChildren(...entries.map(([value, label]) => new Option(label, value)));
    if (entries.some(([value]) => value === before)) select.value = before;
  }
  function chooseAction() {
    const members = clips.filter((each) => each.action === field("action").value);
    options(field("kind"), members.map((each) => [each.clip_kind, each.clip_kind]));
    chooseClip();
  }
  function chooseClip() {
    clip = clips.findIndex((each) => each.action === field("action").value && each.clip_kind === field("kind").value);
    state.frame = 0;
    field("frame").max = length() - 1;
    let [low, high, far] = [[Infinity, Infinity], [-Infinity, -Infinity], 0];
    let ceiling = Infinity;
    floor = -Infinity;
    for (let frame = 0; frame < length(); frame++) {
      for (const point of input(clip, frame)) {
        low = low.map((value, i) => Math.min(value, point[i]));
        high = high.map((value, i) => Math.max(value, point[i]));
      }
      for (const point of target(clip, frame)) {
        far = Math.max(far, Math.hypot(point[0], point[2]));
        ceiling = Math.min(ceiling, point[1]);
        floor = Math.max(floor, point[1]);
      }
    }
    middle = (floor + ceiling) / 2;
    extent = Math.hypot(far, (floor - ceiling) / 2) * 1.06;
    box = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (high[0] - low[0]) * 1.12, (high[1] - low[1]) * 1.12];
    draw();
  }
  async function chooseModel() {
    const [kind, value] = field("model").value.split(":");
    const wanted = models.filter((model) => (kind === "size" ? model.size : model.run) === value);
    const residuals = await Promise.all(wanted.map((model) => unpacked(model.error, 3)));
    player.querySelector(".views").replaceChildren();
    shown = [makeView("2D input"), ...wanted.map((model) => makeView([model.label, model.size].filter(Boolean).join(", "), model))];
    residuals.forEach((residual, i) => (shown[i + 1].residual = residual));
    for (const { canvas } of shown) resized.observe(canvas);
    draw();
  }

  let clock = 0;
  function play(on) {
    state.playing = on;
    field("play").textContent = on ? "Pause" : "Play";
    if (on) { clock = 0; requestAnimationFrame(tick); }
    draw();
  }
  function tick(now) {
    if (!state.playing) return;
    const step = 1000 / (data.fps * Number(field("speed").value));
    clock ||= now;
    const passed = Math.floor((now - clock) / step);
    if (passed) {
      clock += passed * step;
      state.frame = (state.frame + passed) % length();
      draw();
    }
    requestAnimationFrame(tick);
  }
  function go(frame) {
    state.frame = (frame + length()) % length();
    play(false);
  }
  field("play").addEventListener("click", () => play(!state.playing));
  field("frame").addEventListener("input", (event) => go(Number(event.target.value)));
  field("action").addEventListener("change", chooseAction);
  field("kind").addEventListener("change", chooseClip);
  field("model").addEventListener("change", chooseModel);
  player.addEventListener("keydown", (event) => {
    if (event.target.matches("select, button")) return;
    const act = { " ": () => play(!state.playing), ",": () => go(state.frame - 1), ".": () => go(state.frame + 1) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  const resized = new ResizeObserver(draw);
  for (const query of ["print", "(prefers-color-scheme: dark)"])
    matchMedia(query).addEventListener("change", () => { readColours(); draw(); });

  (async () => {
    readColours();
    [target, input] = await Promise.all([unpacked(data.target, 3), unpacked(data.input, 2)]);
    options(field("action"), [...new Set(clips.map((each) => each.action))].map((action) => [action, action]));
    const sizes = [...new Set(models.map((model) => model.size))].filter((size) =>
      models.filter((model) => model.size === size).length > 1);
    options(field("model"), [
      ...sizes.map((size) => [`size:${size}`, `side by side, ${size}`]),
      ...models.map((model) => [`run:${model.run}`, `${model.label}, ${model.size}`]),
    ]);
    if (sizes.includes(data.detail)) field("model").value = `size:${data.detail}`;
    chooseAction();
    await chooseModel();
    player.dataset.ready = true;
  })();
}
