// The chosen node in words, numbers and formulas.

const CELL = 8;

class Panel {
  constructor(figure) {
    this.figure = figure;
    this.element = make("section", { class: "gg-panel", tabindex: 0 });
  }

  get say() {
    return this.figure.say;
  }

  show(index, position) {
    const { scene, plan, data } = this.figure;
    this.element.replaceChildren();
    this.element.setAttribute("aria-label", this.say("details"));
    const node = scene.nodes[index];
    if (!node) {
      this.element.append(make("p", { class: "gg-hint" }, this.say("nothing")));
      return;
    }
    this.position = position;
    const own = node.kind === "output" ? node.ins.map(([value]) => value) : node.outs;
    this.element.append(this.heading(node));
    for (const value of own.slice(0, 4)) this.element.append(this.numbers(value, own.length > 1));
    if (node.kind === "operation") this.element.append(...this.formulas(node, data));
    if (node.kind === "region") this.element.append(this.inside(node));
    if (data.hasGradients && own.length) this.element.append(this.derivation(own[0], scene, plan));
    this.element.append(...this.lines(node));
    this.element.scrollTop = 0;
  }

  // --- what it is --------------------------------------------------------------------------

  heading(node) {
    const { data } = this.figure;
    const title = make("h2");
    const result = data.values[node.outs[0]];
    const isNamed = node.kind === "operation" && result;
    title.innerHTML = isNamed ? `${result.html} = ${node.html}` : node.html;
    if (node.title) title.textContent = node.title;
    const notes = [this.say(node.kind)];
    if (node.title) notes.push(node.region);
    if (node.parameters) {
      const count = node.parameters.toLocaleString("en");
      notes.push(this.say("parameters", { count }));
    }
    if (node.place) notes.push(node.place);
    const head = make("header", {}, title, make("p", { class: "gg-notes" }, notes.join(" · ")));
    if (node.kind === "region" && this.figure.canOpen(node.region)) {
      const open = make("button", { type: "button" }, this.say("open", { name: node.text }));
      open.addEventListener("click", () => this.figure.open(node.region));
      head.append(open);
    }
    return head;
  }

  inside(node) {
    const list = make("p", { class: "gg-notes" });
    const words = [this.say("equations", { count: node.equations ?? 0 })];
    list.textContent = [...words, ...(node.inside ?? []).slice(0, 12)].join(" · ");
    return list;
  }

  section(key, ...content) {
    return make("section", {}, make("h3", {}, this.say(key)), ...content);
  }

  // --- numbers -----------------------------------------------------------------------------

  // Value and gradient; of an array side by side, with their maps.
  numbers(index, isOneOfMany = false) {
    const value = this.figure.data.values[index];
    const { isKnown, hasGradient } = this.figure.known(index);
    const columns = [];
    if (value.value !== null) {
      columns.push(["value", isKnown ? value.value : undefined, "v", "waiting"]);
    }
    if (value.gradient !== null && this.figure.data.hasGradients) {
      columns.push(["gradient", hasGradient ? value.gradient : undefined, "g", "pending"]);
    }
    const box = make("div", { class: "gg-numbers" });
    if (isOneOfMany) box.append(markup("p", value.html, "gg-name"));
    if (value.shape.length) {
      box.append(make("p", { class: "gg-notes" }, `${shapeText(value.shape)} ${value.dtype}`));
    }
    const isArray = columns.some(([, cell]) => isSummary(cell));
    const draw = isArray ? (column) => this.column(column, value) : (c) => this.line(c, value);
    const class_ = isArray ? "gg-columns" : "gg-lines";
    if (columns.length) box.append(make("div", { class: class_ }, ...columns.map(draw)));
    return box;
  }

  // `value 0.7310585786300049`
  line([key, cell, tone, waiting], value) {
    const shown =
      cell === undefined
        ? make("span", { class: "gg-wait" }, pendingPill(tone), ` ${this.say(waiting)}`)
        : make("b", { class: isFinite_(cell) ? `gg-${tone}` : "gg-warn" }, digits(cell, value.dtype));
    return make("p", {}, make("span", { class: "gg-key" }, this.say(key)), shown);
  }

  // A column: a matrix or a map over minimum, mean and maximum.
  column([key, cell, tone, waiting], value) {
    const column = make("div", { class: "gg-column" }, make("h4", {}, this.say(key)));
    if (cell === undefined) {
      column.append(make("p", { class: "gg-wait" }, pendingPill(tone), ` ${this.say(waiting)}`));
      return column;
    }
    const isReal = isFloat(value.dtype);
    if (!isSummary(cell)) column.append(make("b", { class: `gg-${tone}` }, digits(cell, value.dtype)));
    else if (cell.elements) column.append(table(cell.elements, this.figure.precision, isReal, tone));
    else if (cell.sample) column.append(map(cell.sample, tone));
    if (cell.warning) column.append(make("p", {}, make("b", { class: "gg-warn" }, cell.warning)));
    if (cell.summary?.length && !cell.elements) column.append(this.summary(cell, isReal));
    return column;
  }

  summary(cell, isReal) {
    const texts = cell.summary.map((x, i) => number(x, 4, isReal || i === 1));
    const rows = ["minimum", "mean", "maximum"].map((key, i) =>
      make("p", {}, make("span", { class: "gg-key" }, this.say(key)), make("span", {}, texts[i])),
    );
    return make("div", { class: "gg-summary" }, cell.isSampled ? "≈" : "", ...rows);
  }

  // --- formulas ----------------------------------------------------------------------------

  formulas(node, data) {
    const detail = data.details[node.detail];
    const parts = [];
    const { isKnown } = this.figure.known(node.outs[0]);
    const cells = [...node.ins.map(([v]) => v), ...node.outs].map((v) => data.values[v].value);
    if (detail.formula) {
      const text = isKnown && detail.numbers ? detail.numbers : detail.formula;
      parts.push(this.section("formula", this.math(text, cells)));
    }
    const slopes = node.ins.map((_, operand) => this.local(node, detail, operand, cells, isKnown));
    const shown = slopes.filter((slope) => slope !== null);
    if (shown.length) parts.push(this.section("locals", ...shown));
    return parts;
  }

  // The formula of a local derivative, and its number once the result is there.
  local(node, detail, operand, cells, isKnown) {
    const { values } = this.figure.data;
    const [value, local] = node.ins[operand];
    const text = (isKnown ? detail.localNumbers : detail.locals)[operand];
    if (text) {
      const box = this.math(text, cells);
      if (local !== null && isKnown) this.conclude(box, local);
      return box;
    }
    if (local === null) return null;
    const line = make("p", { class: "gg-equation" });
    line.innerHTML = `<span>∂${values[node.outs[0]].html} / ∂${values[value].html} = </span>`;
    line.append(isKnown ? slope(local, this.figure.precision) : pendingPill("v"));
    return line;
  }

  // A formula, its numbers in the precision of the moment.
  math(text, cells) {
    const box = make("div", { class: "gg-math" });
    box.innerHTML = text;
    const sizes = new Map();
    for (const cell of cells) if (typeof cell === "number") sizes.set(Math.abs(cell), cell);
    for (const mark of box.querySelectorAll("mn")) {
      const size = Number(mark.textContent);
      if (sizes.has(size) && mark.textContent.includes(".")) {
        mark.textContent = number(size, this.figure.precision);
      }
    }
    return box;
  }

  // The number that a local derivative comes to, where its formula does not end in it.
  conclude(box, local) {
    const result = number(local, this.figure.precision);
    const marks = [...box.querySelectorAll("mn")];
    const isThere = marks.length && Math.abs(Number(marks.at(-1).textContent)) === Math.abs(local);
    if (isThere || marks.at(-1)?.textContent === number(Math.abs(local), this.figure.precision)) return;
    box.append(" = ", make("span", { class: "gg-result" }, result));
  }

  // --- the chain rule ----------------------------------------------------------------------

  // Upstream gradient × local derivative, a line for each reader, and their sum.
  derivation(index, scene, plan) {
    const { data } = this.figure;
    const value = data.values[index];
    if (value.gradient === null) return this.section("derivation", make("p", {}, this.say("none")));
    const readers = readersOf(scene, index);
    const rows = readers.map(([reader, operand]) => this.term(scene, plan, reader, operand));
    const table = make("div", { class: "gg-terms" }, ...rows);
    if (!readers.length) table.append(make("p", {}, this.say("unread")));
    if (rows.length > 1 && typeof value.gradient === "number") {
      const { hasGradient } = this.figure.known(index);
      const total = hasGradient
        ? make("b", { class: "gg-g" }, number(value.gradient, this.figure.precision))
        : pendingPill();
      table.append(make("p", { class: "gg-sum" }, `${this.say("sum")} = `, total));
    }
    return this.section("derivation", table);
  }

  term(scene, plan, reader, operand) {
    const { data, precision } = this.figure;
    const node = scene.nodes[reader];
    const line = make("p", { class: "gg-term" });
    if (node.kind === "output") {
      line.append(make("b", { class: "gg-g" }, number(1, precision)), " ");
      line.append(make("span", { class: "gg-notes" }, this.say("seed")));
      return line;
    }
    const through = markup("span", `${data.values[node.outs[0]].html}`, "gg-through");
    through.addEventListener("click", () => this.figure.select(reader));
    const local = node.ins[operand][1];
    const upstream = data.values[node.outs[0]].gradient;
    const hasArrived = plan.steps.some(
      (step, at) => step.kind === "backward" && step.node === reader && at <= this.position,
    );
    line.append(through);
    if (local !== null && typeof upstream === "number") {
      const { isKnown } = this.figure.known(node.outs[0]);
      const factor = isKnown ? slope(local, precision) : pendingPill("v");
      line.append(...product(upstream, local, factor, hasArrived, precision));
    } else if (node.kind === "region") {
      line.append(make("span", { class: "gg-notes" }, this.say("inside", { name: node.text })));
    } else {
      const formula = data.details[node.detail]?.locals[operand];
      line.append(formula ? this.math(formula, []) : make("span", {}, node.text));
    }
    return line;
  }

  // --- source ------------------------------------------------------------------------------

  lines(node) {
    const source = this.figure.data.sources[this.figure.printed()] ?? [];
    const [forward, backward] = this.figure.linesOf(node);
    const rows = [];
    for (const [key, lines] of Object.entries({ forward, backward })) {
      for (const index of lines.slice(0, 8)) {
        const row = make("button", { type: "button", class: `gg-quote is-${key}` });
        row.append(make("code", {}, source[index].trim().replace(/\s+# .*$/, "")));
        row.title = this.say(key);
        row.addEventListener("click", () => this.figure.source.reach(this.figure.source.rows[index]));
        rows.push(row);
      }
    }
    return rows.length ? [this.section("lines", ...rows)] : [];
  }
}

// --- pieces --------------------------------------------------------------------------------

function markup(tag, html, class_ = null) {
  const element = make(tag, { class: class_ });
  element.innerHTML = html; // labels are escaped where they are made
  return element;
}

function pendingPill(tone = "g") {
  return make("span", { class: `gg-pending is-${tone}`, "aria-hidden": "true" });
}

function slope(local, precision) {
  return make("span", { class: "gg-l" }, `∂ ${number(local, precision)}`);
}

function product(upstream, local, factor, hasArrived, precision) {
  const gradient = (x) =>
    hasArrived ? make("b", { class: "gg-g" }, number(x, precision)) : pendingPill();
  return [gradient(upstream), " × ", factor, " = ", gradient(upstream * local)];
}

function shapeText(shape) {
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

function isSummary(cell) {
  return cell !== null && typeof cell === "object" && !Array.isArray(cell);
}

function digits(cell, dtype) {
  return Array.isArray(cell) ? number(cell, 6) : allDigits(cell, dtype);
}

function table(rows, precision, isReal, tone) {
  const body = rows.map((row) => {
    const cells = row.map((cell) => {
      const text = number(cell, precision, isReal);
      return make("td", { class: isFinite_(cell) ? null : "gg-bad", title: String(cell) }, text);
    });
    return make("tr", {}, ...cells);
  });
  return make("table", { class: `gg-matrix gg-${tone}` }, ...body);
}

// Squares by area: filled ones are positive, open ones negative, as in the picture.
function map(sample, tone) {
  const sizes = sample.flat().map((x) => (typeof x === "number" ? Math.abs(x) : 0));
  const largest = Math.max(...sizes, 0) || 1;
  const paths = { f: "", o: "", x: "" };
  sample.forEach((row, i) => {
    row.forEach((value, j) => {
      const kind = typeof value !== "number" ? "x" : value < 0 ? "o" : "f";
      const share = kind === "x" ? 1 : Math.abs(value) / largest;
      const half = ((CELL - 1) / 2) * Math.sqrt(share) - (kind === "o" ? 0.5 : 0);
      if (half < 0.25) return;
      const [x, y] = [(j + 0.5) * CELL - half + 1, (i + 0.5) * CELL - half + 1];
      paths[kind] += `M${x.toFixed(2)} ${y.toFixed(2)}h${2 * half}v${2 * half}h${-2 * half}z`;
    });
  });
  const [width, height] = [sample[0].length * CELL + 2, sample.length * CELL + 2];
  const drawn = Object.entries(paths).filter(([, d]) => d);
  return shape(
    "svg",
    { class: "glassgrad gg-map", width, height, viewBox: `0 0 ${width} ${height}` },
    shape("rect", { class: "map", width, height }),
    ...drawn.map(([kind, d]) => shape("path", { class: `m${tone} ${kind}`, d })),
  );
}
