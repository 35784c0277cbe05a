// Five metronomes on a board, their phases on a circle, and how far they agree.

const FIVE = ["state", "updated", "target", "third", "error"];
const ROD = 1.9, PIVOT = 0.31, CAN = 0.42, FARTHER = 4; // in the films' units; the board moves so many times as far
const BODY = [[-0.6, -PIVOT], [0.6, -PIVOT], [0.28, 1.16], [-0.28, 1.16]];
const TRACES = [2, 4, 6]; // instants ago

const row = {
  name: "row",
  label: "Five metronomes on a board on two cans",
  draw(svg, width, height, data) {
    const pace = width < 480 ? 1.9 : 2.5, half = 2 * pace + 1;
    const unit = Math.min(width / (2 * half + 2.6), height / 3.7);
    const foot = height - 6, top = 2 * CAN + 0.2, middle = width / 2;
    const place = (x, y) => [middle + unit * x, foot - unit * y];
    shape("path", { class: "axis", d: line([[0, foot], [width, foot]]) }, svg);
    words(svg, `board drawn moving ${FARTHER} times as far`, 0, 14, { class: "tick" });
    const cans = [-0.6, 0.6].map((side) => {
      const can = shape("g", {}, svg);
      shape("circle", { class: "can", r: px(CAN * unit) }, can);
      const spoke = shape("path", { class: "spoke", d: line([[-CAN * unit, 0], [CAN * unit, 0]]) }, can);
      return { can, spoke, at: side * half };
    });
    const all = shape("g", {}, svg);
    const [left, low] = place(-half, top);
    shape("rect", { class: "board", x: px(left), y: px(low), width: px(2 * half * unit), height: px(0.2 * unit), rx: 3 }, all);
    const traces = FIVE.map((role) => TRACES.map(() => shape("path", { class: `trace ${role}` }, svg)));
    traces.forEach((each) => each.forEach((trace, n) => trace.setAttribute("opacity", 0.55 - 0.13 * n)));
    const rods = FIVE.map((role, k) => {
      const foot_ = place((k - 2) * pace, top + PIVOT);
      const body = BODY.map(([x, y]) => [foot_[0] + unit * x, foot_[1] - unit * y]);
      shape("path", { class: `body ${role}`, d: `${line(body)}Z` }, all);
      const rod = shape("g", {}, all);
      shape("path", { class: "rod", d: line([[0, 0], [0, -ROD * unit]]) }, rod);
      shape("rect", { class: `bob ${role}`, x: px(-0.18 * unit), y: px(-1.54 * unit), width: px(0.36 * unit), height: px(0.3 * unit), rx: 2 }, rod);
      shape("circle", { class: "pivot", r: px(0.08 * unit) }, rod);
      return { rod, foot: foot_ };
    });
    const moved = (i, t) => data.x(i, t) * ROD * FARTHER * unit;
    return ({ i, t }) => {
      const x = moved(i, t);
      set(all, { transform: `translate(${px(x)} 0)` });
      for (const { can, spoke, at } of cans) {
        // a can rolls under the board, half as far
        const [cx, cy] = place(at, CAN);
        set(can, { transform: `translate(${px(cx + x / 2)} ${px(cy)})` });
        set(spoke, { transform: `rotate(${px((x / 2 / (CAN * unit)) * (180 / Math.PI) - 45)})` });
      }
      rods.forEach(({ rod, foot }, k) => {
        set(rod, { transform: `translate(${px(foot[0])} ${px(foot[1])}) rotate(${px((data.theta(i, t, k) * 180) / Math.PI)})` });
        TRACES.forEach((ago, n) => {
          const then = Math.max(t - ago, 0), angle = data.theta(i, then, k);
          const out = (share) => [foot[0] + moved(i, then) + share * ROD * unit * Math.sin(angle), foot[1] - share * ROD * unit * Math.cos(angle)];
          set(traces[k][n], { d: line([out(0.86), out(1)]) });
        });
      });
    };
  },
};

const circle = {
  name: "circle",
  label: "The five phases as dots on a circle that turns with the beat, and their mean as an arrow",
  draw(svg, width, height, data) {
    const radius = Math.min(width / 2 - 38, height / 2 - 26), cx = width / 2, cy = height / 2;
    const place = (angle, far = 1) => [cx + far * radius * Math.cos(angle), cy - far * radius * Math.sin(angle)];
    shape("circle", { class: "orbit", cx, cy, r: px(radius) }, svg);
    for (const degrees of [0, 90, 180, 270]) {
      const [x, y] = place((degrees * Math.PI) / 180, 1 + 20 / radius);
      words(svg, `${degrees}°`, x, y + 4, { class: "tick", "text-anchor": "middle" });
    }
    const dots = FIVE.map((role) => shape("circle", { class: `phase ${role}`, r: 7 }, svg));
    const arrow = shape("path", { class: "arrow" }, svg);
    return ({ i, t }) => {
      let [across, up] = [0, 0];
      dots.forEach((dot, k) => {
        const angle = data.phase(i, t, k), [x, y] = place(angle);
        set(dot, { cx: px(x), cy: px(y) });
        across += Math.cos(angle) / 5;
        up += Math.sin(angle) / 5;
      });
      set(arrow, { d: pointing([cx, cy], [cx + radius * across, cy - radius * up]) });
    };
  },
};

const agreement = {
  name: "agreement",
  label: "Agreement r over time, from 0 to 1",
  draw(svg, width, height, data) {
    const box = { left: 26, right: width - 8, top: 30, bottom: height - 24 };
    const [from, to] = TOLD.plain.swings, last = TOLD.clock.said.length - 1;
    const narrow = width < 260;
    const { x, y } = axes(svg, box, [from, to], [0, 1], { ys: [0, 1], xs: narrow ? [0] : [0, 50], label: narrow ? "r" : "agreement r" });
    words(svg, "100 swings", box.right, box.bottom + 17, { class: "tick", "text-anchor": "end" });
    const r = curve(svg, box, "focus"), said = words(svg, "", box.right, 20, { class: "value", "text-anchor": "end" });
    const point = (i, t) => [x(from + ((to - from) * t) / last), y(data.r(i, t))];
    let shown = null;
    return ({ i, t }) => {
      if (shown !== i) r.course(Array.from({ length: last + 1 }, (_, n) => point((shown = i), n)));
      r.now(point(i, t));
      said.textContent = rounded(data.r(i, t), 0.001);
    };
  },
};

const SUBJECT = {
  panels: [row, circle, agreement],
  numbers({ i, t }, data) {
    const { step, unit } = TOLD.quantities.theta;
    return [
      { name: "r", what: "agreement r", value: data.r(i, t), step: TOLD.quantities.r.step },
      { name: "x", what: "position of the board", value: data.x(i, t), ...TOLD.quantities.x },
      ...FIVE.map((_, k) => ({ name: `theta ${k}`, what: `angle of metronome ${k + 1}`, value: data.theta(i, t, k), step, unit })),
    ];
  },
  say({ i, t }, data) {
    const until = TOLD.overview.values[i], when = TOLD.clock.said[t];
    const outcome = until === null ? "Within a hundred swings they never stay in phase." : `They are in phase from swing ${rounded(until, 0.1)} on.`;
    const table = Number(TOLD.slider.said[i]) ? "" : "The board stands still: each keeps its own time. ";
    return `${t ? `After ${when} swings` : "At the start"} the agreement is ${rounded(data.r(i, t), 0.001)}; 1 is all in phase. ${table}${outcome}`;
  },
};
