// Buttons, the status line, the legend and the card beside the pointer.

class Controls {
  constructor(figure) {
    this.figure = figure;
    this.refreshers = [];
  }

  get say() {
    return this.figure.say;
  }

  build(element) {
    const { stage } = this.figure.canvas;
    const { data, panel, source } = this.figure;
    stage.setAttribute("tabindex", "-1");
    this.card = make("div", { class: "gg-card", hidden: "" });
    this.status = make("p", { class: "gg-status", role: "status", "aria-live": "polite" });
    this.chips = make("div", { class: "gg-chips" });
    const view = make("div", { class: "gg-view" }, this.chips, stage, this.zoomButtons(), this.card);
    const lower = make("div", { class: "gg-side" }, panel.element);
    if (Object.keys(data.sources).length) lower.prepend(this.sourcePane(source));
    element.append(this.top(), view, this.transport(), lower);
    if (data.isPage) element.append(this.foot());
  }

  // --- pieces ------------------------------------------------------------------------------

  top() {
    const { data } = this.figure;
    const title = make("div", { class: "gg-title" });
    if (data.isPage) title.append(make("h1", {}, data.title));
    title.append(this.spoken("p", () => this.say(this.sentence())));
    const bar = make("div", { class: "gg-bar" }, this.levels(), this.decimals());
    if (data.isPage) bar.append(this.languages(), this.themes());
    return make("header", { class: "gg-top" }, title, bar);
  }

  sentence() {
    const { hasGradients, hasValues } = this.figure.data;
    return hasGradients ? "sentence" : hasValues ? "sentence.values" : "sentence.structure";
  }

  levels() {
    const { data } = this.figure;
    const levels = ["layers", "arrays", "numbers"].filter((level) =>
      data.scenes.some((scene) => scene.level === level),
    );
    if (levels.length < 2) return "";
    return this.choice("level", levels, {
      text: (level) => this.say(level),
      isOn: (level) => this.figure.scene.level === level,
      choose: (level) => this.figure.setLevel(level),
    });
  }

  decimals() {
    const { data } = this.figure;
    const offered = data.precisions;
    if (!data.hasValues || offered.length < 2) return "";
    const group = this.choice("decimals", offered, {
      text: (precision) => String(precision),
      isOn: (precision) => this.figure.precision === precision,
      choose: (precision) => this.figure.setPrecision(precision),
    });
    group.prepend(this.spoken("span", () => this.say("decimals")));
    return group;
  }

  languages() {
    const names = { en: "English", ko: "한국어" };
    return this.choice("language", Object.keys(names), {
      text: (language) => names[language],
      isOn: (language) => this.figure.language === language,
      choose: (language) => this.figure.setLanguage(language),
    });
  }

  themes() {
    const root = document.documentElement;
    const button = this.button("theme", "◐", () => {
      const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
      const now = root.dataset.theme ?? (isDark ? "dark" : "light");
      root.dataset.theme = now === "dark" ? "light" : "dark";
    });
    button.classList.add("gg-theme");
    return button;
  }

  // A row of buttons of which one is on.
  choice(key, options, { text, isOn, choose }) {
    const group = make("div", { class: "gg-choice", role: "group" });
    const buttons = options.map((option) => {
      const button = make("button", { type: "button", "data-option": option });
      button.addEventListener("click", () => choose(option));
      return button;
    });
    group.append(...buttons);
    this.refreshers.push(() => {
      group.setAttribute("aria-label", this.say(key));
      buttons.forEach((button, i) => {
        button.textContent = text(options[i]);
        button.setAttribute("aria-pressed", String(isOn(options[i])));
      });
    });
    return group;
  }

  button(key, sign, action) {
    const button = make("button", { type: "button", "data-action": key }, sign);
    button.addEventListener("click", action);
    this.refreshers.push(() => {
      button.title = this.say(key);
      button.setAttribute("aria-label", this.say(key));
    });
    return button;
  }

  spoken(tag, text, attributes = {}) {
    const element = make(tag, attributes);
    this.refreshers.push(() => {
      element.textContent = text();
    });
    return element;
  }

  zoomButtons() {
    const { canvas } = this.figure;
    const group = make(
      "div",
      { class: "gg-zoom", role: "group" },
      this.button("zoom.in", "+", () => canvas.zoom(1.25)),
      this.button("zoom.out", MINUS, () => canvas.zoom(0.8)),
      this.button("zoom.fit", "⤢", () => canvas.fit()),
    );
    this.refreshers.push(() => group.setAttribute("aria-label", this.say("zoom")));
    return group;
  }

  transport() {
    const { figure } = this;
    if (!figure.data.hasValues) return make("div", { class: "gg-steps" }, this.legend());
    this.playButton = this.button("play", icon("play"), () => figure.play());
    this.slider = make("input", { type: "range", min: 0, step: 1 });
    this.slider.addEventListener("input", () => {
      figure.pause();
      figure.go(Number(this.slider.value));
    });
    this.refreshers.push(() => this.slider.setAttribute("aria-label", this.say("steps")));
    const buttons = make(
      "div",
      { class: "gg-buttons", role: "group" },
      this.button("first", icon("first"), () => figure.walk(-Infinity)),
      this.button("back", icon("back"), () => figure.walk(-1)),
      this.playButton,
      this.button("next", icon("next"), () => figure.walk(1)),
      this.button("last", icon("last"), () => figure.walk(Infinity)),
    );
    this.track = make("div", { class: "gg-track" }, this.slider);
    return make("div", { class: "gg-steps" }, buttons, this.track, this.status, this.legend());
  }

  sourcePane(source) {
    const title = this.spoken("h2", () => this.say("source"));
    this.refreshers.push(() => source.element.setAttribute("aria-label", this.say("source")));
    return make("section", { class: "gg-source" }, title, source.element);
  }

  foot() {
    return make(
      "footer",
      { class: "gg-foot" },
      this.spoken("p", () => this.say("keys")),
      this.spoken("p", () => this.say("made")),
    );
  }

  // --- the legend ----------------------------------------------------------------------------

  legend() {
    const list = make("ul", { class: "gg-legend" });
    this.refreshers.push(() => {
      list.setAttribute("aria-label", this.say("legend"));
      list.replaceChildren(...this.entries());
    });
    return list;
  }

  entries() {
    const { data, scene, precision, drawing } = this.figure;
    const samples = [];
    const add = (key, sample) => samples.push(make("li", {}, sample, this.say(key)));
    if (data.hasValues) add("legend.value", make("b", { class: "gg-v" }, number(0.73105857863, precision)));
    if (data.hasGradients) {
      add("legend.gradient", make("b", { class: "gg-g" }, number(0.19661193324, precision)));
      if (drawing.pills.length) {
        add("legend.local", make("span", { class: "gg-l" }, `∂ ${number(-1, precision)}`));
      }
      add("legend.pending", pendingPill());
    }
    if (drawing.svg.querySelector(".map")) {
      const squares = shape("svg", { class: "glassgrad gg-squares", width: 19, height: 8 });
      squares.append(shape("path", { class: "mv f", d: "M0 .5h7v7h-7z" }));
      squares.append(shape("path", { class: "mv o", d: "M12 1h6v6h-6z" }));
      add("legend.map", squares);
    }
    for (const kind of ["parameter", "input", "constant", "output"]) {
      if (scene.nodes.some((node) => node.kind === kind)) {
        add(kind, make("span", { class: `gg-sample is-${kind}` }));
      }
    }
    return samples;
  }

  // --- what changes --------------------------------------------------------------------------

  refresh() {
    for (const refresh of this.refreshers) refresh();
    const { scene } = this.figure;
    this.chips.replaceChildren();
    if (scene.opened.length) this.chips.append(make("span", {}, this.say("opened")));
    for (const region of scene.opened) {
      const label = this.say("fold", { name: region });
      const chip = make("button", { type: "button", "aria-label": label, title: label }, region);
      chip.append(make("span", { "aria-hidden": "true" }, ` ${MINUS}`));
      chip.addEventListener("click", () => this.figure.fold(region));
      this.chips.append(chip);
    }
  }

  step() {
    const { plan, position, timer } = this.figure;
    if (!this.slider) return;
    const last = plan.steps.length - 1;
    this.slider.max = last;
    this.slider.value = position;
    const words = this.figure.told();
    this.slider.setAttribute("aria-valuetext", words[0]);
    this.status.textContent = words.join(" · ");
    this.track.style.setProperty("--turn", last ? plan.forward / last : 1);
    this.track.style.setProperty("--done", last ? position / last : 1);
    const key = timer ? "pause" : "play";
    this.playButton.replaceChildren(icon(key));
    this.playButton.title = this.say(key);
    this.playButton.setAttribute("aria-label", this.say(key));
  }

  // The card beside the pointer: name, value and gradient in full.
  hover(event) {
    const node = event?.target.closest(".node");
    this.card.hidden = !node;
    if (!node) return;
    const { scene, data, drawing } = this.figure;
    const { kind, outs, ins, html, place } = scene.nodes[drawing.nodes.indexOf(node)];
    const index = outs[0] ?? ins[0]?.[0];
    const value = data.values[index];
    const isNamed = kind === "operation" && value;
    const title = markup("b", isNamed ? `${value.html} = ${html}` : html);
    this.card.replaceChildren(make("p", {}, title, make("span", {}, place ? ` ${place}` : "")));
    if (value) this.card.append(this.figure.panel.numbers(index, false));
    this.place(node);
  }

  // Beside the node, never over it: below or above, in tall pictures to a side first.
  place(node) {
    const outer = this.card.parentNode.getBoundingClientRect();
    const box = node.getBoundingClientRect();
    const { width, height } = this.card.getBoundingClientRect();
    const [left, top] = [box.left - outer.left, box.top - outer.top];
    const limit = (at, room) => Math.max(8, Math.min(at, room - 8));
    const beside = [
      [left + box.width + 10, limit(top, outer.height - height)],
      [left - width - 10, limit(top, outer.height - height)],
    ];
    const along = [
      [limit(left, outer.width - width), top + box.height + 10],
      [limit(left, outer.width - width), top - height - 10],
    ];
    const places = this.figure.scene.isDown ? [...beside, ...along] : [...along, ...beside];
    const fits = ([x, y]) =>
      x >= 0 && y >= 0 && x + width <= outer.width && y + height <= outer.height;
    const [x, y] = places.find(fits) ?? along[0];
    this.card.style.transform = `translate(${x}px, ${y}px)`;
  }
}

const ICONS = {
  first: "M3 3v10M13 3l-7 5 7 5z",
  back: "M11.5 3l-7 5 7 5z",
  play: "M4.5 2.5l9 5.5-9 5.5z",
  pause: "M5 3v10M11 3v10",
  next: "M4.5 3l7 5-7 5z",
  last: "M13 3v10M3 3l7 5-7 5z",
};

function icon(name) {
  const path = shape("path", { d: ICONS[name] });
  return shape("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, path);
}
