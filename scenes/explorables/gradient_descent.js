// A point on a narrow bowl, seen from above, and its height step by step.

const bowl = {
  name: "bowl",
  label: "The bowl from above, as lines of equal height, with the way of the point",
  draw(svg, width, height, data) {
    const [low, high] = TOLD.plain.window, scale = Math.min(width, height) / (high - low);
    const place = (x, y) => [width / 2 + scale * x, height / 2 - scale * y];
    TOLD.plain.contours.forEach((lines) =>
      lines.forEach((each) => {
        const points = [];
        for (let n = 0; n < each.length; n += 2) points.push(place(each[n], each[n + 1]));
        shape("path", { class: "contour", d: line(points) }, svg);
      }));
    const [cx, cy] = place(0, 0);
    shape("path", { class: "lowest", d: `M${px(cx - 6)} ${px(cy)}h12M${px(cx)} ${px(cy - 6)}v12` }, svg);
    words(svg, "lowest", cx, cy + 22, { class: "tick over", "text-anchor": "middle" });
    const future = shape("path", { class: "future" }, svg), past = shape("path", { class: "course state" }, svg);
    const marks = shape("path", { class: "marks" }, svg);
    const step = shape("path", { class: "step" }, svg);
    const dot = shape("circle", { class: "now", r: 8 }, svg);
    const off = words(svg, "off the picture", width - 10, height - 12, { class: "gone", "text-anchor": "end" });
    const last = TOLD.clock.said.length - 1;
    return ({ i, t }) => {
      const way = Array.from({ length: last + 1 }, (_, n) => place(data.x(i, n, 0), data.x(i, n, 1)));
      set(future, { d: line(way) });
      set(past, { d: line(way.slice(0, t + 1)) });
      set(marks, { d: way.slice(0, t + 1).map(([x, y]) => `M${px(x)} ${px(y)}h0`).join("") });
      set(step, { d: t < last ? pointing(way[t], way[t + 1], 12) : "" });
      set(dot, { cx: px(way[t][0]), cy: px(way[t][1]) });
      const [x, y] = way[t];
      off.textContent = x < 0 || y < 0 || x > width || y > height ? "off the picture" : "";
    };
  },
};

const height = {
  name: "height",
  label: "Height of the point, step by step, on a logarithmic scale",
  draw(svg, width, tall) {
    const box = { left: 44, right: width - 10, top: 30, bottom: tall - 40 };
    const { loss } = TOLD.plain, last = TOLD.clock.said.length - 1;
    const { x, y } = axes(svg, box, [0, last], [1e-7, 1000], {
      log: true, ys: [1e-7, 1e-5, 0.001, 0.1, 10, 1000], xs: [0, 10, 20, 30], label: "height", across: "steps",
    });
    const way = curve(svg, box, "error");
    const said = words(svg, "", box.right, 20, { class: "value", "text-anchor": "end" });
    let shown = null;
    return ({ i, t }) => {
      if (shown !== i) way.course(loss[(shown = i)].map((value, n) => [x(n), y(value)]));
      way.now([x(t), y(loss[i][t])]);
      said.textContent = rounded(loss[i][t], 0);
    };
  },
};

const SUBJECT = {
  panels: [bowl, height],
  numbers({ i, t }, data) {
    const { step } = TOLD.quantities.x;
    return [
      { name: "loss", what: "height L", value: TOLD.plain.loss[i][t], step: 0 },
      { name: "x", what: "x, along the valley", value: data.x(i, t, 0), step },
      { name: "y", what: "y, across it", value: data.x(i, t, 1), step },
      { name: "slope x", what: "slope along the valley", value: data.gradient(i, t, 0), step },
      { name: "slope y", what: "slope across it", value: data.gradient(i, t, 1), step },
    ];
  },
  say({ i, t }, data) {
    const { loss } = TOLD.plain, y = (n) => rounded(data.x(i, n, 1), 0.001), last = loss[i].length - 1;
    const now = `After ${t} steps the point is at height ${rounded(loss[i][t], 0)}; it began at ${rounded(loss[i][0], 0)}.`;
    const next = t < last && Math.abs(data.x(i, t, 1)) >= 0.01 ? ` Across the valley the next step takes it from ${y(t)} to ${y(t + 1)}.` : "";
    const end = `After ${last} steps it will be at ${rounded(loss[i][last], 0)}${loss[i][last] > loss[i][0] ? ", higher than where it began" : ""}.`;
    return t < last ? `${now}${next} ${end}` : now;
  },
};
