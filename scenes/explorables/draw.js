// Drawing: panels that know their size in pixels, charts, and the overview over the slider.

const shape = (name, attributes = {}, parent = null) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(made, attributes);
  parent?.append(made);
  return made;
};
function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
}
const px = (value) => value.toFixed(2);
const line = (points) => points.map(([x, y], n) => `${n ? "L" : "M"}${px(x)} ${px(y)}`).join("");
function words(parent, text, x, y, attributes = {}) {
  const made = shape("text", { x: px(x), y: px(y), ...attributes }, parent);
  made.textContent = text;
  return made;
}

// An svg as large as its place; `kind.draw(svg, width, height, data)` draws what stays, gives what moves.
class Panel {
  constructor(kind, stage, data, at) {
    this.svg = shape("svg", { class: kind.name, role: "img", "aria-label": kind.label }, stage);
    this.watch = new ResizeObserver(() => {
      this.draw(kind, data);
      this.show(at());
    });
    this.draw(kind, data);
    this.watch.observe(this.svg);
  }
  draw(kind, data) {
    const { width, height } = this.svg.getBoundingClientRect();
    if (width === this.width && height === this.height) return;
    Object.assign(this, { width, height });
    this.svg.replaceChildren();
    set(this.svg, { viewBox: `0 0 ${px(width)} ${px(height)}` });
    this.move = width && height ? kind.draw(this.svg, width, height, data) : () => {};
  }
  show(at) {
    this.move(at);
  }
  leave() {
    this.watch.disconnect();
  }
}

// Axes on a box {left, top, right, bottom}: gives x and y from values to pixels.
function axes(svg, box, [x0, x1], [y0, y1], { log = false, xs = [], ys = [], label = "", across = "", step = 0 } = {}) {
  const up = log ? Math.log10 : (value) => value;
  const x = (value) => box.left + ((value - x0) / (x1 - x0)) * (box.right - box.left);
  const y = (value) => box.bottom - ((up(value) - up(y0)) / (up(y1) - up(y0))) * (box.bottom - box.top);
  for (const value of ys) {
    shape("path", { class: "grid", d: line([[box.left, y(value)], [box.right, y(value)]]) }, svg);
    words(svg, tick(value, log), box.left - 12, y(value) + 4, { class: "tick", "text-anchor": "end" });
  }
  for (const value of xs)
    words(svg, String(value), x(value), box.bottom + 17, { class: "tick", "text-anchor": "middle" });
  shape("path", { class: "axis", d: line([[box.left, box.bottom], [box.right, box.bottom]]) }, svg);
  words(svg, label, box.left, box.top - 10, { class: "label" });
  words(svg, across, box.right, box.bottom + (xs.length ? 34 : 17), { class: "label", "text-anchor": "end" });
  return { x, y };
}
function tick(value, log) {
  if (!log || (value >= 0.01 && value <= 100)) return minus(String(value));
  return power(Math.round(Math.log10(value)));
}

// A curve whose past is bright and whose future is faint.
function curve(svg, box, role) {
  const future = shape("path", { class: "future" }, svg);
  const clip = shape("svg", { class: "past", x: 0, y: 0, width: 0, height: box.bottom + 20 }, svg);
  const past = shape("path", { class: `course ${role}` }, clip);
  const dot = shape("circle", { class: "now", r: 6 }, svg);
  return {
    course(points) {
      set(future, { d: line(points) });
      set(past, { d: line(points) });
    },
    now([x, y]) {
      set(clip, { width: px(x) });
      set(dot, { cx: px(x), cy: px(y) });
    },
  };
}

// One dot for each position of the slider right below, at its height; dragging it moves the slider.
const THUMB = 22; // the width of a slider's thumb, as in the sheet
class Overview {
  constructor(place, choose) {
    this.svg = shape("svg", { "aria-hidden": "true" }, place);
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(place);
    this.i = 0;
    const pick = ({ clientX }) => {
      const { left, width } = this.svg.getBoundingClientRect();
      const share = (clientX - left - this.inset - THUMB / 2) / (width - this.inset - THUMB);
      const last = TOLD.slider.said.length - 1;
      choose(Math.round(Math.min(Math.max(share, 0), 1) * last));
    };
    this.svg.addEventListener("pointerdown", (event) => {
      this.svg.setPointerCapture(event.pointerId);
      pick(event);
    });
    this.svg.addEventListener("pointermove", (event) => event.buttons && pick(event));
  }
  draw() {
    const { width, height } = this.svg.getBoundingClientRect();
    const { values, ticks, log, label, never, level, level_label } = TOLD.overview;
    this.inset = parseFloat(getComputedStyle(this.svg).getPropertyValue("--inset"));
    const box = { left: this.inset + THUMB / 2, right: width - THUMB / 2, top: 34, bottom: height - 8 };
    const missing = values.includes(null), top = missing ? 14 : 0;
    this.floor = height;
    this.svg.replaceChildren();
    set(this.svg, { viewBox: `0 0 ${px(width)} ${px(height)}` });
    const ends = [Math.min(...ticks), Math.max(...ticks)];
    const last = values.length - 1;
    const { x, y } = axes(this.svg, { ...box, top: box.top + top }, [0, last], ends, { log, ys: ticks });
    const head = words(this.svg, `${label}  `, 0, 14, { class: "label" });
    this.said = shape("tspan", { class: "value" }, head);
    if (level !== null) {
      shape("path", { class: "level", d: line([[box.left, y(level)], [box.right, y(level)]]) }, this.svg);
      words(this.svg, level_label, box.left, y(level) - 6, { class: "tick" });
    }
    this.place = (i) => [x(i), values[i] === null ? box.top - 4 : y(values[i])];
    if (missing) {
      // beside the first run of rings
      let after = values.indexOf(null);
      while (after < last && values[after + 1] === null) after++;
      words(this.svg, never, x(after) + 12, box.top, { class: "tick" });
    }
    const places = values.map((_, i) => this.place(i));
    if (last > 100) shape("path", { class: "course state", d: line(places) }, this.svg);
    else places.forEach(([cx, cy], i) =>
      shape("circle", { class: values[i] === null ? "hollow" : "dot", cx: px(cx), cy: px(cy), r: 3.5 }, this.svg));
    this.stem = shape("path", { class: "stem" }, this.svg);
    this.ring = shape("circle", { class: "ring", r: 8 }, this.svg);
    this.shown = null;
    this.show(this.i);
  }
  show(i) {
    if (i === this.shown) return;
    this.i = i;
    if (!this.place) return;
    this.shown = i;
    const [x, y] = this.place(i), value = TOLD.overview.values[i];
    set(this.ring, { cx: px(x), cy: px(y) });
    set(this.stem, { d: line([[x, y + 8], [x, this.floor]]) });
    this.said.textContent = value === null ? TOLD.overview.never : rounded(value, TOLD.overview.step);
  }
  leave() {
    this.watch.disconnect();
  }
}

// An arrow from one place to another; nothing where they are one.
function pointing([x0, y0], [x1, y1], head = 11) {
  const far = Math.hypot(x1 - x0, y1 - y0);
  if (far < 1) return "";
  const [ux, uy] = [(x1 - x0) / far, (y1 - y0) / far], size = Math.min(head, far / 2);
  const [bx, by] = [x1 - size * ux, y1 - size * uy], side = 0.45 * size;
  return line([[x0, y0], [bx, by], [bx - side * uy, by + side * ux], [x1, y1], [bx + side * uy, by - side * ux], [bx, by]]);
}
