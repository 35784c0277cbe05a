// A sentence, the gates at each of its words, the memory after it, and what is left of the animal.

const reading = {
  name: "reading",
  label: "The sentence, and for each word eight gates, eight numbers of memory, and the trace of the animal",
  draw(svg, width, height, data) {
    const { sentence, cue, units } = TOLD.plain, count = sentence.length;
    const left = width < 620 ? 4 : 118, slanted = (width - left) / count < 64, pitch = (width - left - (slanted ? 26 : 4)) / count, x = (k) => left + pitch * (k + 0.5);
    const head = slanted ? 76 : 40, gap = 26;
    const room = (height - head - 3 * gap - 14) / 3, cell = room / units, wide = Math.min(pitch * 0.8, 46);
    const tops = [0, 1, 2].map((n) => head + gap * (n + (left < 20 ? 0.6 : 0.2)) + n * room);
    ["gates, filled as far as open", "memory, from −1 to +1", "what is left of the animal"].forEach((name, n) => {
      const aside = left > 20;
      if (aside) name.split(/ (?=of |from |as )/).forEach((part, m) => words(svg, part, left - 14, tops[n] + room / 2 + 18 * m, { class: "label", "text-anchor": "end" }));
      else words(svg, name, left, tops[n] - 6, { class: "label" });
    });
    sentence.forEach((word, k) => {
      const style = { class: k === cue ? "token cue" : k === count - 1 ? "token last" : "token" };
      if (slanted) words(svg, word, 0, 0, { ...style, transform: `translate(${px(x(k) + 4)} ${head - 12}) rotate(-60)` });
      else words(svg, word, x(k), 20, { ...style, "text-anchor": "middle" });
    });
    const cells = (n, role) => sentence.map((_, k) =>
      Array.from({ length: units }, (_, u) => {
        const box = { x: px(x(k) - wide / 2), y: px(tops[n] + u * cell), width: px(wide), height: px(cell - 2), rx: 1.5 };
        shape("rect", { class: "cell", ...box }, svg);
        return { box, mark: shape("rect", { ...box, class: role }, svg), wide };
      }));
    const gates = cells(0, "gate"), memory = cells(1, "kept");
    const floor = tops[2] + room;
    shape("path", { class: "axis", d: line([[x(0) - wide / 2, floor], [x(count - 1) + wide / 2, floor]]) }, svg);
    const bars = sentence.map((_, k) => shape("rect", { class: k < cue ? "trace none" : "trace", x: px(x(k) - wide / 2), width: px(wide), rx: 1.5 }, svg));
    const said = [cue, count - 1].map((k) => words(svg, "", x(k), 0, { class: "value", "text-anchor": "middle" }));
    return ({ i, t }) => {
      sentence.forEach((_, k) => {
        for (let u = 0; u < units; u++) {
          set(gates[k][u].mark, { width: px(wide * data.gate(i, t, k * units + u)) });
          // to the right where it is positive, to the left where negative
          const value = data.memory(i, t, k * units + u), half = wide / 2;
          set(memory[k][u].mark, { class: value < 0 ? "error" : "state", x: px(x(k) + Math.min(value, 0) * half), width: px(Math.abs(value) * half) });
        }
        const high = data.trace(i, t, k) * (room - 14);
        set(bars[k], { y: px(floor - high), height: px(high) });
      });
      [cue, count - 1].forEach((k, n) => {
        const left_ = data.trace(i, t, k);
        said[n].textContent = rounded(left_, 0.001);
        set(said[n], { y: px(floor - left_ * (room - 14) - 6) });
      });
    };
  },
};

const learning = {
  name: "learning",
  label: "Share of the test sentences told right, over training",
  draw(svg, width, height, data) {
    const box = { left: 26, right: width - 10, top: 30, bottom: height - 24 };
    const steps = TOLD.clock.said.map(Number), last = steps.length - 1;
    const { x, y } = axes(svg, box, [0, steps[last]], [0, 1], { ys: [0, 1], xs: [0, 200], label: "told right" });
    words(svg, `${steps[last]} steps`, box.right, box.bottom + 17, { class: "tick", "text-anchor": "end" });
    const right = curve(svg, box, "updated"), said = words(svg, "", box.right, 20, { class: "value", "text-anchor": "end" });
    const point = (i, t) => [x(steps[t]), y(data.right(i, t))];
    return ({ i, t }) => {
      right.course(steps.map((_, n) => point(i, n)));
      right.now(point(i, t));
      said.textContent = rounded(data.right(i, t), 0.01);
    };
  },
};

const SUBJECT = {
  panels: [reading, learning],
  numbers({ i, t }, data) {
    const { sentence, cue } = TOLD.plain, last = sentence.length - 1, steps = TOLD.quantities;
    return [
      { name: "open", what: "gates open, mean of all", value: data.open(i, t), step: steps.open.step },
      { name: "trace cue", what: `trace of the animal at “${sentence[cue]}”`, value: data.trace(i, t, cue), step: steps.trace.step },
      { name: "trace last", what: `trace of the animal at “${sentence[last]}”`, value: data.trace(i, t, last), step: steps.trace.step },
      { name: "left", what: `gradient left at “${sentence[cue]}”`, value: data.left(i, t), step: steps.left.step },
      { name: "answer", what: `probability of “${sentence[cue]}”, asked at the end`, value: data.answer(i, t), step: steps.answer.step },
      { name: "right", what: "share of the test sentences told right", value: data.right(i, t), step: steps.right.step },
    ];
  },
  say({ i, t }, data) {
    const { sentence, cue } = TOLD.plain, last = sentence.length - 1, step = TOLD.clock.said[t];
    const when = t ? `After ${step} steps of training` : "Before any training";
    return `${when} the gates stand open ${rounded(data.open(i, t), 0.001)} on average. The animal makes a difference of ` +
      `${rounded(data.trace(i, t, cue), 0.001)} to the memory at “${sentence[cue]}”; at “${sentence[last]}” ${rounded(data.trace(i, t, last), 0.001)} is left. ` +
      `Of the test sentences it tells ${rounded(100 * data.right(i, t), 1)}\u00a0% right.`;
  },
};
