// One picture in the page: what of it is shown at a step, in which language, with which node chosen.

const SVG = "http://www.w3.org/2000/svg";

class Drawing {
  // `svg` is the element as Python drew it; `scene` says what its nodes and wires stand for.
  constructor(svg, scene, data) {
    this.svg = svg;
    this.scene = scene;
    this.data = data;
    this.nodes = [...svg.querySelectorAll(".node")];
    this.labels = [...svg.querySelectorAll("[data-net][data-role]")];
    this.edges = [...svg.querySelectorAll(".edge")];
    this.pills = [...svg.querySelectorAll("[data-role=local]")];
    for (const node of this.nodes) {
      node.querySelector("title")?.remove(); // the page has a card of its own
      node.setAttribute("role", "button");
    }
    for (const head of svg.querySelectorAll(".head")) {
      head.dataset.net = head.previousElementSibling.dataset.net;
      head.dataset.to = head.previousElementSibling.dataset.to ?? "";
    }
    this.texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent in data.terms);
    for (const text of this.texts) text.dataset.english = text.textContent;
    this.addPending();
  }

  // An empty dashed pill in the place of each gradient that is not there yet.
  addPending() {
    for (const group of this.svg.querySelectorAll("[data-role=gradient]")) {
      const box = group.getBBox();
      const pill = document.createElementNS(SVG, "rect");
      const place = { class: "pending", width: 40, height: 18, rx: 9 };
      place.x = box.x + box.width / 2 - 20;
      place.y = box.y + Math.min(box.height, 48) / 2 - 9;
      for (const [name, value] of Object.entries(place)) pill.setAttribute(name, value);
      group.append(pill);
    }
  }

  speak(language) {
    for (const text of this.texts) {
      const english = text.dataset.english;
      text.textContent = language === "ko" ? this.data.terms[english] : english;
    }
  }

  // Show what is known after `position` steps; mark the node of the step and its edges.
  show(position, plan) {
    const step = plan.steps[position];
    const seed = plan.forward + 1;
    const isKnown = (value) => (plan.valueAt.get(value) ?? 0) <= position;
    const hasGradient = (value) => (plan.gradientAt.get(value) ?? seed) <= position;
    this.labels.forEach((group) => {
      const value = this.scene.nets[Number(group.dataset.net.slice(1))];
      this.reveal(group, value, isKnown, hasGradient);
    });
    this.nodes.forEach((node, index) => {
      const { outs, ins, kind } = this.scene.nodes[index];
      const read = kind === "output" ? ins.map(([value]) => value) : outs;
      node.classList.toggle("is-waiting", !read.every(isKnown));
      node.classList.toggle("is-now", index === step.node);
      for (const group of node.querySelectorAll("[data-role]")) {
        this.reveal(group, outs[0], isKnown, hasGradient);
      }
    });
    for (const pill of this.pills) {
      const { outs } = this.scene.nodes[Number(pill.dataset.to.slice(1))];
      pill.classList.toggle("is-hidden", !outs.every(isKnown));
    }
    this.mark(step);
  }

  reveal(group, value, isKnown, hasGradient) {
    const isGradient = group.dataset.role === "gradient";
    const isShown = isGradient ? hasGradient(value) : isKnown(value);
    group.classList.toggle("is-pending", isGradient && !isShown);
    group.classList.toggle("is-hidden", !isGradient && !isShown);
  }

  mark(step) {
    const name = `n${step.node}`;
    const isForward = step.kind === "forward";
    const isBackward = step.kind === "backward" || step.kind === "seed";
    for (const edge of this.svg.querySelectorAll(".edge,.head")) {
      const isInto = (edge.dataset.to ?? "").split(" ").includes(name);
      edge.classList.toggle("is-forward", isForward && isInto);
      edge.classList.toggle("is-backward", isBackward && isInto);
    }
  }

  select(index) {
    this.nodes.forEach((node, i) => {
      node.classList.toggle("is-selected", i === index);
      node.setAttribute("aria-pressed", String(i === index));
    });
  }

  // Frames around opened regions, where nothing else stands inside, each with a small minus.
  frame(onFold, title) {
    for (const region of this.scene.opened) {
      const inside = this.inside(region);
      if (!inside.length) continue;
      const box = around(inside.map((i) => this.box(i)), 14);
      const isAlone = this.nodes.every((_, i) => inside.includes(i) || !meet(box, this.box(i)));
      const group = document.createElementNS(SVG, "g");
      group.setAttribute("class", isAlone ? "gg-opened" : "gg-opened is-corner");
      group.dataset.opened = region;
      const corner = isAlone ? [box.x + box.width, box.y] : topRight(this.box(inside[0]));
      group.append(...frameParts(box, corner, title(region), isAlone ? region : ""));
      group.querySelector(".gg-fold").addEventListener("click", (event) => {
        event.stopPropagation();
        onFold(region);
      });
      this.svg.querySelector(".nodes").before(group);
    }
  }

  // The nodes of a region: its operations, and what they alone read.
  inside(region) {
    const { nodes } = this.scene;
    const isIn = (node) => node.region === region || node.region?.startsWith(`${region}/`);
    const own = new Set(nodes.flatMap((node, i) => (isIn(node) ? [i] : [])));
    nodes.forEach((node, index) => {
      if (node.kind !== "parameter" && node.kind !== "constant") return;
      const readers = node.outs.flatMap((value) => readersOf(this.scene, value));
      if (readers.length && readers.every(([reader]) => own.has(reader))) own.add(index);
    });
    return [...own];
  }

  box(index) {
    const node = this.nodes[index];
    return node.getBBox();
  }
}

function around(boxes, margin) {
  const left = Math.min(...boxes.map((b) => b.x)) - margin;
  const top = Math.min(...boxes.map((b) => b.y)) - margin;
  const right = Math.max(...boxes.map((b) => b.x + b.width)) + margin;
  const bottom = Math.max(...boxes.map((b) => b.y + b.height)) + margin;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function meet(one, other) {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

function topRight(box) {
  return [box.x + box.width, box.y];
}

function shape(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function frameParts(box, [x, y], title, name) {
  const parts = [];
  if (name) {
    parts.push(shape("rect", { ...box, rx: 12, class: "gg-frame" }));
    parts.push(shape("text", { x: box.x + 12, y: box.y - 5, class: "gg-frame-name" }, name));
  }
  const button = shape(
    "g",
    { class: "gg-fold", role: "button", tabindex: 0, "aria-label": title },
    shape("circle", { cx: x, cy: y, r: 8 }),
    shape("path", { d: `M${x - 3.5} ${y}h7` }),
  );
  parts.push(button);
  return parts;
}

// What moved from one picture to the next goes there smoothly; what is new fades in.
function glide(before, after) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const old = new Map(before.map(({ key, x, y }) => [key, [x, y]]));
  const scale = after.svg.getScreenCTM().a;
  const timing = { duration: 380, easing: "cubic-bezier(.3,0,.1,1)" };
  for (const { key, x, y, node } of centres(after)) {
    if (old.has(key)) {
      const [fromX, fromY] = old.get(key);
      const shift = `translate(${(fromX - x) / scale}px, ${(fromY - y) / scale}px)`;
      node.animate([{ transform: shift }, { transform: "none" }], timing);
    } else {
      node.animate([{ opacity: 0 }, { opacity: 1 }], timing);
    }
  }
  for (const layer of after.svg.querySelectorAll(".edges,.labels,.gg-opened")) {
    layer.animate([{ opacity: 0 }, { opacity: 0 }, { opacity: 1 }], timing);
  }
}

function centres(drawing) {
  return drawing.nodes.map((node, index) => {
    const box = node.getBoundingClientRect();
    const { kind, text, outs, ins } = drawing.scene.nodes[index];
    const value = drawing.data.values[outs[0] ?? ins[0]?.[0]]?.key;
    const key = `${kind === "output" ? kind : ""}${value ?? text}`;
    return { key, node, x: box.x + box.width / 2, y: box.y + box.height / 2 };
  });
}
