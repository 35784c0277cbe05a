// Words on the plane that the trained read-out sees, and what each word of a sentence gets of bank's attention.

const SIDES = ["state", "target", "muted"]; // for the river, for money, for neither

const space = {
  name: "space",
  label: "Words as places on a plane; bank moves one way in the river sentence, the other way in the money sentence",
  draw(svg, width, height, data) {
    const [left, bottom, right, top] = TOLD.plain.reach, { words: known, speaks_for } = TOLD.plain;
    const scale = Math.min((width - 110) / (right - left), (height - 50) / (top - bottom));
    const place = ([x, y]) => [width / 2 + scale * (x - (left + right) / 2), height / 2 - scale * (y - (top + bottom) / 2)];
    for (let k = Math.ceil(left - 3); k <= right + 3; k++) {
      const [x] = place([k, 0]);
      shape("path", { class: "grid", d: line([[x, 0], [x, height]]) }, svg);
    }
    for (let k = Math.ceil(bottom - 3); k <= top + 3; k++) {
      const [, y] = place([0, k]);
      shape("path", { class: "grid", d: line([[0, y], [width, y]]) }, svg);
    }
    const said = new Set(TOLD.plain.sentences.flat());
    const named = [[], []];
    const dots = known.map((word, k) => {
      const side = SIDES[speaks_for[k]], group = shape("g", {}, svg);
      if (k && speaks_for[k] === 1) shape("path", { class: `word ${side}`, d: "M0 -6L6 0L0 6L-6 0Z" }, group);
      else shape("circle", { class: `word ${k ? side : "ink"}`, r: k ? [5, 0, 2.5][speaks_for[k]] : 6 }, group);
      if (k && speaks_for[k] < 2 && said.has(word)) {
        const left = speaks_for[k] === 0;
        named[speaks_for[k]].push([k, words(group, word, left ? -11 : 12, 5, { class: `name ${side}`, "text-anchor": left ? "end" : "start" })]);
      }
      return group;
    });
    const apart = (names) => {
      // names keep a line's height from each other; the dots stay where they are
      const [high, low] = names.sort((a, b) => a.y - b.y), near = low ? 16 - (low.y - high.y) : 0;
      names.forEach((each) => each.name.setAttribute("y", px(5 + (near > 0 ? (each === high ? -near / 2 : near / 2) : 0))));
    };
    const tips = [0, 1].map((s) => ({
      links: shape("path", { class: `link ${SIDES[s]}` }, svg),
      arrow: shape("path", { class: `shift ${SIDES[s]}` }, svg),
      name: words(svg, "bank", 0, 0, { class: `bank ${SIDES[s]}`, "text-anchor": "middle" }),
    }));
    const first = words(svg, "bank", 0, 0, { class: "bank", "text-anchor": "middle" });
    let along = 4;
    ["● river words", "◆ money words", "· others"].forEach((what, side) => {
      words(svg, what, along, height - 8, { class: `tick over ${SIDES[side]}` });
      along += 116;
    });
    const at = (name, i, k) => [data[name](i, 0, 2 * k), data[name](i, 0, 2 * k + 1)];
    return ({ i }) => {
      dots.forEach((dot, k) => {
        const [x, y] = place(at("word", i, k));
        set(dot, { transform: `translate(${px(x)} ${px(y)})` });
      });
      for (const side of named) apart(side.map(([k, name]) => ({ name, y: place(at("word", i, k))[1] })));
      const bank = at("word", i, 0), foot = place(bank);
      set(first, { x: px(foot[0]), y: px(foot[1] + 22) });
      tips.forEach(({ links, arrow, name }, s) => {
        // tip to tail: what each word of the sentence adds
        const way = [bank];
        for (let k = 0; k < 6; k++) {
          const [x, y] = at("arrow", i, 6 * s + k), [a, b] = way.at(-1);
          way.push([a + x, b + y]);
        }
        const tip = place(at("after", i, s));
        set(links, { d: line(way.map(place)) });
        set(arrow, { d: pointing(foot, tip, 14) });
        // while it lies where bank itself lies, one name is enough
        const moved = Math.hypot(tip[0] - foot[0], tip[1] - foot[1]) > 48;
        set(name, { visibility: moved ? "visible" : "hidden", x: px(tip[0]), y: px(tip[1] + (tip[1] > foot[1] ? 20 : -10)) });
      });
    };
  },
};

const sentence = (s) => ({
  name: `sentence s${s}`,
  label: `How bank shares its attention in: ${TOLD.plain.sentences[s].join(" ")}`,
  draw(svg, width, height, data) {
    const pitch = width / 6, line_ = height * 0.46, room = height - line_ - 40, side = SIDES[s];
    const x = (k) => pitch * (k + 0.5);
    const marks = TOLD.plain.sentences[s].map((word, k) => ({
      arc: shape("path", { class: `arc ${side}` }, svg),
      bar: shape("rect", { class: `bar ${side}`, x: px(x(k) - 13), y: px(line_ + 12), width: 26 }, svg),
      word: words(svg, word, x(k), line_, { class: `${k === 5 ? `asking ${side}` : "asked"} ${pitch < 62 ? "small" : ""}`, "text-anchor": "middle" }),
      share: words(svg, "", x(k), 0, { class: "tick", "text-anchor": "middle" }),
    }));
    return ({ i }) =>
      marks.forEach(({ arc, bar, share }, k) => {
        const weight = data.share(i, 0, 6 * s + k), high = weight * room;
        const lift = (line_ - 22) * Math.min(1, 0.35 + 0.15 * (5 - k));
        if (k < 5) set(arc, { d: `M${px(x(5))} ${px(line_ - 20)}C${px(x(5))} ${px(line_ - 20 - lift)} ${px(x(k))} ${px(line_ - 20 - lift)} ${px(x(k))} ${px(line_ - 20)}`, "stroke-width": px(10 * weight) });
        set(bar, { height: px(high) });
        set(share, { y: px(line_ + high + 28) });
        share.textContent = rounded(weight, 0.01);
      });
  },
});

const SUBJECT = {
  panels: [space, sentence(0), sentence(1)],
  numbers({ i }, data) {
    const { sentences, senses } = TOLD.plain, steps = TOLD.quantities;
    const of = (s) => sentences[s].join(" ");
    return [
      { name: "cosine", what: "cosine of the two banks", value: data.cosine(i, 0), step: steps.cosine.step },
      { name: "right", what: "share of the training sentences told right", value: data.right(i, 0), step: steps.right.step },
      { name: "loss", what: "loss", value: data.loss(i, 0), step: steps.loss.step },
      ...[0, 1].flatMap((s) => senses.map((sense, k) => ({ name: `sense ${s} ${k}`, what: `“${of(s)}”: ${sense}`, value: data.sense(i, 0, 3 * s + k), step: steps.sense.step }))),
      ...[0, 1].flatMap((s) => sentences[s].map((word, k) => ({ name: `share ${s} ${k}`, what: `“${of(s)}”: attention on “${word}”`, value: data.share(i, 0, 6 * s + k), step: steps.share.step }))),
    ];
  },
  say({ i }, data) {
    const { sentences } = TOLD.plain, step = TOLD.slider.said[i];
    const most = (s) => {
      const shares = sentences[s].map((_, k) => data.share(i, 0, 6 * s + k)), k = shares.indexOf(Math.max(...shares));
      return `“${sentences[s][k]}” (${rounded(shares[k], 0.01)})`;
    };
    const sure = (s) => rounded(data.sense(i, 0, 4 * s), 0.01);
    return `At training step ${step} the two banks have a cosine of ${rounded(data.cosine(i, 0), 0.001)}. ` +
      `By the river, bank attends most to ${most(0)} and is read as river with ${sure(0)}; with the money, most to ${most(1)}, read as money with ${sure(1)}.`;
  },
};
