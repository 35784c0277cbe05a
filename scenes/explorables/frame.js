// What all explorables share: the numbers, the slider under its overview, the clock, words and tables.

const tag = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// ---------------------------------------------------------------------------------------------- the numbers

async function unpacked() {
  const gzip = Uint8Array.from(atob(DATA), (letter) => letter.charCodeAt(0));
  const stream = new Blob([gzip]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const found = {};
  let start = 0;
  for (const [name, { shape, planes, forecast, step }] of Object.entries(TOLD.quantities)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const counts = counted(bytes, start, size, planes, shape.at(-1), forecast);
    start += planes * size;
    const width = size / shape[0] / shape.at(-1), instants = shape.at(-1);
    // the value at a position of the slider, an instant, and a place in the flattened rest
    found[name] = (i, t, k = 0) => counts[(i * width + k) * instants + t] * step;
  }
  return found;
}

function counted(bytes, start, size, planes, instants, [a, b]) {
  const counts = new Int32Array(size);
  for (let n = 0; n < size; n++) {
    let folded = 0;
    for (let k = planes - 1; k >= 0; k--) folded = folded * 256 + bytes[start + k * size + n];
    const off = folded % 2 ? -(folded + 1) / 2 : folded / 2;
    const t = n % instants;
    const expected = t > 1 ? Math.floor((a * counts[n - 1] + b * counts[n - 2] + 32) / 64) : t ? counts[n - 1] : 0;
    counts[n] = expected + off;
  }
  return counts;
}

// A number as it is rounded: to a step, or to four significant figures where the step is 0.
const minus = (text) => text.replace("-", "−");
function rounded(value, step) {
  if (!step) {
    const plain = value >= 1e-3 && value < 1e5;
    if (plain) return minus(String(Number(value.toPrecision(4))));
    const [digits, raised] = value.toExponential(3).split("e");
    return `${minus(digits)} × ${power(Number(raised))}`;
  }
  const text = value.toFixed(decimals(step));
  return minus(Number(text) === 0 ? text.replace("-", "") : text);
}
const power = (exponent) => "10" + [...String(exponent)].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("");
const decimals = (step) => (String(step).split(".")[1] ?? "").length;

// ------------------------------------------------------------------------------------------------- the page

function render({ model, el }) {
  const host = tag("div", { class: "learning-dynamics-explorable" });
  el.append(host);
  const root = host.attachShadow({ mode: "open" });
  const view = skeleton(root);
  const within = (i) => Math.min(Math.max(Math.round(i), 0), TOLD.slider.said.length - 1);
  const at = { i: within(model?.get?.("position") ?? TOLD.slider.start), t: TOLD.clock?.start ?? 0 };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const over = new Overview(view.overview, (i) => choose(i));
  const moving = view.time ?? view.slider;
  const player = new Player(view.play, TOLD.clock ?? TOLD.slider, () => (view.time ? at.t : at.i), (n) =>
    view.time ? pass(n) : choose(n), () => data && put(),
  );
  let panels = [], data = null, speaking = 0, spoke = -Infinity;

  function choose(i) {
    if (i === at.i) return;
    at.i = i;
    model?.set?.("position", i);
    model?.save_changes?.();
    show();
  }
  function pass(t) {
    at.t = t;
    show();
  }
  function show() {
    view.set(at);
    over.show(at.i);
    if (!data) return;
    for (const panel of panels) panel.show(at);
    // words change no faster than they can be read, and are spoken once they stand still
    if (!player.playing || performance.now() - spoke > 250) put();
  }
  function put() {
    spoke = performance.now();
    player.name();
    view.name(at);
    view.say(SUBJECT.say(at, data));
    if (view.now.open) view.tell(SUBJECT.numbers(at, data));
    clearTimeout(speaking);
    if (!player.playing) speaking = setTimeout(() => (view.live.textContent = view.said.textContent), 500);
  }

  view.slider.addEventListener("input", () => {
    if (!view.time) player.stop();
    choose(Number(view.slider.value));
  });
  view.time?.addEventListener("input", () => {
    player.stop();
    pass(Number(view.time.value));
  });
  view.now.addEventListener("toggle", () => data && view.tell(SUBJECT.numbers(at, data)));
  const quiet = () => still.matches && player.stop();
  still.addEventListener("change", quiet);
  const follow = () => choose(within(model.get("position")));
  model?.on?.("change:position", follow);
  show();

  const ready = unpacked().then((found) => {
    data = found;
    panels = SUBJECT.panels.map((kind) => new Panel(kind, view.stage, data, () => at));
    show();
    performance.mark("explorable drawn");
    if (!still.matches) player.start();
  });
  // for whoever embeds it, and for tests: what is shown now, each number with the step it is rounded to
  el.explorable = { ready, values: () => (data ? SUBJECT.numbers(at, data) : []) };
  return () => {
    player.stop();
    clearTimeout(speaking);
    still.removeEventListener("change", quiet);
    model?.off?.("change:position", follow);
    for (const panel of [over, ...panels]) panel.leave();
    host.remove();
  };
}

function skeleton(root) {
  const { slider, clock } = TOLD;
  const level = document.querySelector("h1") ? 2 : 1;
  const range = (id, axis) =>
    tag("input", { type: "range", id, min: 0, max: axis.said.length - 1, step: 1, autocomplete: "off" });
  const said = tag("p", { class: "said" }), live = tag("p", { class: "heard", role: "status" });
  const view = { said, live, slider: range("slider", slider), time: clock && range("time", clock) };
  view.overview = tag("div", { class: "overview" });
  view.stage = tag("div", { class: "stage" });
  view.play = tag("button", { type: "button" });
  const value = tag("output", { for: "slider" }), moment = tag("output", { for: "time" });
  const rows = tag("tbody");
  view.now = tag("details", {}, tag("summary", {}, "The numbers shown"), table("Shown now", ["what", "value", "rounded to"], rows));
  const chosen = tag("div", { class: "chosen" }, tag("label", { for: "slider" }, slider.label), value);
  const passing = clock ? [tag("label", { for: "time" }, clock.label), view.time, moment] : [];
  root.append(
    tag("style", {}, STYLE),
    tag("section", { class: TOLD.name, "aria-label": TOLD.question, lang: "en" },
      tag(`h${level}`, {}, TOLD.question),
      tag("p", { class: "invitation" }, TOLD.invitation),
      ...(clock
        ? [chosen, view.overview, view.slider, view.stage, tag("div", { class: "clock" }, view.play, ...passing)]
        : [chosen, view.overview, tag("div", { class: "clock" }, view.play, view.slider), view.stage]),
      said, live, view.now, positions(), provenance(),
    ),
  );
  const position = (i) => [slider.symbol, slider.said[i]].filter(Boolean).join(" = ");
  const instant = (t) => [clock.said[t], clock.unit].filter(Boolean).join(" ");
  view.set = ({ i, t }) => {
    view.slider.value = i;
    if (value.textContent !== position(i)) value.textContent = position(i);
    if (!clock) return;
    view.time.value = t;
    moment.textContent = instant(t);
  };
  view.name = ({ i, t }) => {
    view.slider.setAttribute("aria-valuetext", position(i));
    if (clock) view.time.setAttribute("aria-valuetext", instant(t));
  };
  view.say = (text) => (said.textContent = text);
  view.tell = (numbers) =>
    rows.replaceChildren(...numbers.map(({ what, value, step, unit }) =>
      tag("tr", {}, tag("th", { scope: "row" }, what), tag("td", {}, [rounded(value, step), unit].filter(Boolean).join(" ")),
        tag("td", {}, step ? String(step) : "4 figures"))));
  return view;
}

const table = (caption, heads, body) =>
  tag("div", { class: "sideways", tabindex: 0, role: "group", "aria-label": caption },
    tag("table", {}, tag("caption", {}, caption), tag("thead", {}, tag("tr", {}, ...heads.map((head) => tag("th", { scope: "col" }, head)))), body));

function positions() {
  const { slider, overview } = TOLD, body = tag("tbody");
  const all = tag("details", {}, tag("summary", {}, "Every position of the slider"));
  all.addEventListener("toggle", () => {
    if (body.parentNode) return;
    body.append(...slider.said.map((said, i) => tag("tr", {}, tag("th", { scope: "row" }, said),
      tag("td", {}, overview.values[i] === null ? overview.never : rounded(overview.values[i], overview.step)))));
    all.append(table("Every position", [slider.symbol || slider.label, overview.label], body));
  }, { once: true });
  return all;
}

function provenance() {
  const { simulation, parameters, over, versions, revision, command, again } = TOLD.provenance;
  const pairs = (object) => Object.entries(object).map(([key, value]) => `${key} ${value}`).join(" · ");
  const fact = (what, ...words) => [tag("dt", {}, what), tag("dd", {}, ...words)];
  const steps = Object.entries(TOLD.quantities).map(([name, { step }]) => `${name} ${step}`);
  const ranges = Object.entries(over).map(([name, [count, from, to]]) => `${name} from ${from} to ${to}, ${count} values`);
  return tag("details", {},
    tag("summary", {}, "Computed beforehand by this program"),
    tag("p", {}, "Nothing is simulated or interpolated in this page. It draws what the program computed, at the slider’s positions and the clock’s instants and no others, each number rounded to the nearest multiple of its step."),
    tag("dl", {},
      ...fact("simulation", tag("code", {}, simulation)),
      ...(ranges.length ? fact("computed for", ranges.join("; ")) : []),
      ...fact("other parameters", pairs(Object.fromEntries(Object.entries(parameters).filter(([key]) => !(key in over))))),
      ...fact("steps of rounding", steps.join(" · ")),
      ...fact("versions", pairs(versions)),
      ...fact("revision", tag("code", {}, revision)),
      ...fact("this page", tag("code", {}, command)),
      ...fact("one position again", tag("code", {}, again.replace("{value}", TOLD.slider.said[TOLD.slider.start]))),
    ));
}

// -------------------------------------------------------------------------------------------------- playing

class Player {
  constructor(button, axis, now, go, ended) {
    Object.assign(this, { button, axis, now, go, ended, playing: false, last: axis.said.length - 1 });
    button.addEventListener("click", () => (this.playing ? this.stop() : this.start()));
    this.name();
  }
  name() {
    this.button.textContent = this.playing ? "Pause" : this.now?.() === this.last ? "Again" : "Play";
  }
  start() {
    const from = this.now() === this.last ? 0 : this.now();
    this.playing = true;
    this.name();
    let began = null;
    const tick = (time) => {
      if (!this.playing) return;
      began ??= time;
      const due = Math.min(from + Math.round(((time - began) * this.axis.rate) / 1000), this.last);
      if (due === this.last) this.playing = false;
      if (due !== this.now()) this.go(due);
      if (this.playing) requestAnimationFrame(tick);
      else this.stop();
    };
    requestAnimationFrame(tick);
  }
  stop() {
    this.playing = false;
    this.name();
    this.ended();
  }
}
