// The figure: its state, its controls, and what a key does. `mount` at the end starts all of them.

const PACE = 1100; // milliseconds a step while it plays
const THEMES = ["", "light", "dark"];

class Figure {
  constructor(element) {
    this.element = element;
    this.data = JSON.parse(element.querySelector("script[type='application/json']").textContent);
    this.language = this.data.language;
    this.precision = this.data.precision;
    this.selected = -1;
    this.timer = 0;
    this.say = this.say.bind(this);
    this.plans = this.data.scenes.map((scene) => schedule(scene, this.data));
    this.controls = new Controls(this);
    this.panel = new Panel(this);
    this.source = new Source((line) => this.selectLine(line));
    this.canvas = new Canvas(element.querySelector(".gg-stage"), this.data.isPage);
    this.pictures = this.data.scenes.map(() => ({}));
    this.pictures[this.data.first][this.precision] = this.canvas.stage.innerHTML;
    this.ready = unpacked(element.querySelector("script[type='text/plain']").textContent);
    this.ready = this.ready.then((pictures) => (this.pictures = pictures));
    this.controls.build(element);
    this.number = this.data.first;
    this.printSource();
    this.show(this.data.first, Infinity);
    this.listen();
    this.select(this.firstChoice());
  }

  say(key, values = {}) {
    const text = this.data.words[this.language][key];
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  // A number as the page writes it, for tests.
  write(cell, precision, isReal) {
    return number(cell, precision, isReal);
  }

  get scene() {
    return this.data.scenes[this.number];
  }

  get plan() {
    return this.plans[this.number];
  }

  // --- scenes ------------------------------------------------------------------------------

  show(number, position) {
    const text = this.pictures[number][this.precision];
    if (!text) return this.ready.then(() => this.show(number, position));
    const before = this.drawing ? centres(this.drawing) : [];
    const kept = this.selectedValue();
    this.number = number;
    this.canvas.stage.innerHTML = text;
    const svg = this.canvas.stage.firstElementChild;
    this.element.classList.toggle("is-down", this.scene.isDown);
    this.canvas.show(svg);
    this.drawing = new Drawing(svg, this.scene, this.data);
    this.drawing.speak(this.language);
    this.drawing.frame(
      (region) => this.fold(region),
      (region) => this.say("fold", { name: region }),
    );
    this.selected = kept === undefined ? -1 : this.nodeOf(this.data.values[kept].key);
    this.controls.refresh();
    this.go(position);
    if (before.length) glide(before, this.drawing);
    return undefined;
  }

  change(number) {
    const { time } = this.plan.steps[this.position];
    this.show(number, positionAt(this.plans[number], time));
  }

  // The scene with exactly these regions opened; -1 if it was not drawn.
  opening(regions) {
    const wanted = [...regions].sort().join();
    return this.data.scenes.findIndex(
      (scene) => scene.level === "layers" && [...scene.opened].sort().join() === wanted,
    );
  }

  canOpen(region) {
    return Boolean(region) && this.target(region) >= 0;
  }

  // What a click on a region's plus shows: it beside those that are open, or it alone.
  target(region) {
    const together = this.opening([...this.scene.opened, region]);
    if (together >= 0) return together;
    const parts = region.split("/").map((_, i, all) => all.slice(0, i + 1).join("/"));
    const around = this.scene.opened.filter((path) => parts.includes(path));
    const alone = this.opening([...around, region]);
    return alone >= 0 ? alone : this.data.scenes.findIndex((scene) => scene.level !== "layers");
  }

  open(region) {
    if (this.canOpen(region)) this.change(this.target(region));
  }

  fold(region) {
    const left = this.scene.opened.filter((p) => p !== region && !p.startsWith(`${region}/`));
    const number = this.opening(left);
    this.change(number >= 0 ? number : this.opening([]));
  }

  setLevel(level) {
    const number = this.data.scenes.findIndex((s) => s.level === level && !s.opened.length);
    this.change(number);
  }

  async setPrecision(precision) {
    await this.ready;
    this.precision = precision;
    const { x, y, scale, isFitted } = this.canvas;
    this.show(this.number, this.position);
    if (!isFitted) Object.assign(this.canvas, { x, y, scale, isFitted }).apply();
  }

  // Its comments are in the language of the page.
  printSource() {
    const lines = this.data.sources[this.printed()] ?? [];
    this.source.print(lines, (line) => this.ownersOf(line).length > 0);
  }

  // The language of the source: a long one is printed in one only.
  printed() {
    const languages = Object.keys(this.data.sources);
    return languages.includes(this.language) ? this.language : languages[0];
  }

  // The forward and the backward lines of a node.
  linesOf(node) {
    return node?.lines?.[this.printed()] ?? [[], []];
  }

  setLanguage(language) {
    this.language = language;
    this.printSource();
    if (this.data.isPage) document.documentElement.lang = language;
    this.element.lang = language;
    this.drawing.speak(language);
    this.controls.refresh();
    this.go(this.position);
  }

  // --- steps -------------------------------------------------------------------------------

  go(position) {
    const last = this.plan.steps.length - 1;
    this.position = Math.max(0, Math.min(last, position));
    this.drawing.show(this.position, this.plan);
    const { node } = this.plan.steps[this.position];
    this.name();
    this.controls.step();
    if (node < 0) this.refresh();
    else this.select(node, false);
    if (this.position === last) this.pause();
  }

  play() {
    if (this.timer) return this.pause();
    if (this.position === this.plan.steps.length - 1) this.go(0);
    this.timer = setInterval(() => this.go(this.position + 1), PACE);
    return this.controls.step();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.controls.step();
  }

  // Whether the value and the gradient of a wire are there at this step.
  known(value) {
    const { valueAt, gradientAt, forward } = this.plan;
    return {
      isKnown: (valueAt.get(value) ?? 0) <= this.position,
      hasGradient: (gradientAt.get(value) ?? forward + 1) <= this.position,
    };
  }

  // --- selection ---------------------------------------------------------------------------

  select(index, isByHand = true) {
    this.selected = index;
    this.refresh();
    const node = this.drawing.nodes[index];
    if (node && !isByHand) this.canvas.reach(node);
  }

  // The node that was asked for, else the one that makes the result.
  firstChoice() {
    if (this.data.select) return this.nodeOf(this.data.select);
    const end = this.scene.nodes.find((node) => node.kind === "output");
    return end ? this.nodeOf(this.data.values[end.ins[0][0]].key) : -1;
  }

  refresh() {
    this.drawing.select(this.selected);
    this.panel.show(this.selected, this.position);
    const step = this.plan.steps[this.position];
    const isBackward = step.kind === "backward" || step.kind === "seed";
    this.source.mark(...this.linesOf(this.scene.nodes[this.selected]), isBackward);
  }

  selectedValue() {
    const node = this.drawing ? this.scene.nodes[this.selected] : undefined;
    return node?.outs[0] ?? node?.ins[0]?.[0];
  }

  nodeOf(key) {
    return this.scene.nodes.findIndex((node) =>
      node.outs.some((value) => this.data.values[value].key === key),
    );
  }

  ownersOf(line) {
    const { nodes } = this.scene;
    const found = nodes.flatMap((node, index) =>
      this.linesOf(node).flat().includes(line) ? [index] : [],
    );
    return found.sort((a, b) => (nodes[a].equations ?? 1) - (nodes[b].equations ?? 1));
  }

  selectLine(line) {
    const [index] = this.ownersOf(line);
    if (index === undefined) return;
    this.select(index);
    this.canvas.reach(this.drawing.nodes[index]);
  }

  // --- for those who do not see it -----------------------------------------------------------

  // The names of all nodes, with the numbers that are there.
  name() {
    this.drawing.svg.setAttribute("aria-label", this.say("picture"));
    this.drawing.svg.removeAttribute("aria-labelledby");
    this.drawing.svg.setAttribute("role", "group");
    this.drawing.nodes.forEach((node, index) => {
      node.setAttribute("aria-label", this.described(index).join(", "));
    });
  }

  described(index) {
    const node = this.scene.nodes[index];
    const value = this.data.values[node.outs[0] ?? node.ins[0]?.[0]];
    const words = [`${this.say(node.kind)} ${this.title(node)}`];
    if (!value) return words;
    const { isKnown, hasGradient } = this.known(node.outs[0] ?? node.ins[0][0]);
    if (value.shape.length) words.push(`${shapeText(value.shape)} ${value.dtype}`);
    if (isKnown && value.value !== null) {
      words.push(`${this.say("value")} ${this.brief(value.value, value)}`);
    }
    if (value.gradient !== null && this.data.hasGradients) {
      const text = this.brief(value.gradient, value);
      words.push(hasGradient ? `${this.say("gradient")} ${text}` : this.say("pending"));
    }
    return words;
  }

  title(node) {
    const result = this.data.values[node.outs[0]];
    const text = this.language === "ko" ? this.data.terms[node.text] ?? node.text : node.text;
    return node.kind === "operation" && result ? `${plainName(result)} = ${text}` : text;
  }

  // A number, or the least and the greatest of an array.
  brief(cell, value) {
    const isReal = isFloat(value.dtype);
    if (cell === null || typeof cell !== "object" || Array.isArray(cell)) {
      return number(cell, this.precision, isReal);
    }
    const shown = cell.summary.filter((_, i) => i !== 1);
    const texts = shown.map((x) => number(x, this.precision, isReal)).join(" … ");
    return [texts, cell.warning].filter(Boolean).join(" ");
  }

  // What the step did, for the status line.
  told() {
    const { steps, forward, backward } = this.plan;
    const step = steps[this.position];
    const n = forward + backward;
    if (step.kind === "start") return [this.say("at.start")];
    if (step.kind === "end") return [this.say(backward ? "at.end" : "at.end.values", { n })];
    const head =
      step.kind === "forward"
        ? this.say("at.forward", { i: this.position, n: forward })
        : this.say("at.backward", { i: this.position - forward, n: backward });
    return [head, ...this.happened(step)];
  }

  happened(step) {
    const node = this.scene.nodes[step.node];
    const { values } = this.data;
    const name = plainName(values[node.outs[0] ?? node.ins[0][0]]);
    if (step.kind === "seed") return [this.say("at.seed", { name })];
    if (step.kind === "forward") {
      const value = values[node.outs[0]];
      return [`${name} = ${value.value === null ? node.text : this.brief(value.value, value)}`];
    }
    const moved = node.ins.filter(([value]) => values[value].gradient !== null);
    const products = moved.map(([value, local]) => this.handed(node, value, local));
    if (products.every(Boolean) && products.length <= 3) return products;
    const names = moved.map(([value]) => plainName(values[value])).join(", ");
    return [this.title(node), this.say("at.hands", { names })];
  }

  handed(node, value, local) {
    const upstream = this.data.values[node.outs[0]].gradient;
    if (local === null || typeof upstream !== "number") return "";
    const [a, b, c] = [upstream, local, upstream * local].map((x) => number(x, this.precision));
    const readers = readersOf(this.scene, value);
    const sign = readers.length > 1 ? "+=" : "=";
    return `d${plainName(this.data.values[value])} ${sign} ${a} × ${b} = ${c}`;
  }

  // --- keys and clicks -----------------------------------------------------------------------

  listen() {
    const { stage } = this.canvas;
    stage.addEventListener("click", (event) => this.click(event));
    stage.addEventListener("dblclick", (event) => {
      if (!event.target.closest(".node")) this.canvas.fit();
    });
    stage.addEventListener("focusin", (event) => {
      const node = event.target.closest(".node");
      if (node?.matches(":focus-visible")) this.canvas.reach(node);
    });
    stage.addEventListener("pointerover", (event) => this.controls.hover(event));
    stage.addEventListener("pointerleave", () => this.controls.hover(null));
    const target = this.data.isPage ? document : this.element;
    target.addEventListener("keydown", (event) => this.key(event));
  }

  click(event) {
    const node = event.target.closest(".node");
    if (!node) return;
    const index = this.drawing.nodes.indexOf(node);
    if (event.target.closest(".open")) this.open(this.scene.nodes[index].region);
    else this.select(index);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target.matches("input,select,textarea")) return;
    const act = this.action(event.key, target);
    if (!act) return;
    event.preventDefault();
    act();
  }

  action(key, target) {
    const node = target.closest?.(".node");
    const fold = target.closest?.(".gg-fold");
    const isButton = target.matches("button,a,summary");
    if (key === "Enter" && node) return () => this.enter(node);
    if ((key === "Enter" || key === " ") && fold) return () => this.fold(fold.parentNode.dataset.opened);
    if (isButton && (key === "Enter" || key === " ")) return null;
    return {
      ArrowRight: () => this.walk(1),
      ArrowDown: () => this.walk(1),
      ArrowLeft: () => this.walk(-1),
      ArrowUp: () => this.walk(-1),
      Home: () => this.walk(-Infinity),
      End: () => this.walk(Infinity),
      " ": () => this.play(),
      "+": () => this.canvas.zoom(1.25),
      "=": () => this.canvas.zoom(1.25),
      "-": () => this.canvas.zoom(0.8),
      0: () => this.canvas.fit(),
    }[key];
  }

  walk(count) {
    this.pause();
    this.go(this.position + count);
  }

  // Enter on a chosen region looks into it; on any other node chooses it.
  enter(node) {
    const index = this.drawing.nodes.indexOf(node);
    const { kind, region } = this.scene.nodes[index];
    if (index === this.selected && kind === "region" && this.canOpen(region)) this.open(region);
    else this.select(index);
  }
}

// The name of a value as one writes it, without markup.
function plainName(value) {
  return value.name;
}

// The pictures of all scenes, as they were packed.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const { pictures, paths } = JSON.parse(await new Response(stream).text());
  const written = (picture) => picture.replace(/ d="@(\d+)"/g, (_, n) => ` d="${paths[n]}"`);
  for (const drawn of pictures) {
    for (const precision of Object.keys(drawn)) drawn[precision] = written(drawn[precision]);
  }
  return pictures;
}

function mount() {
  for (const element of document.querySelectorAll(".gg-figure:not(.is-mounted)")) {
    element.classList.add("is-mounted");
    element.glassgrad = new Figure(element);
  }
}

mount();
