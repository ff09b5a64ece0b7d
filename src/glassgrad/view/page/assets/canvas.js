// The part of the picture that is seen: dragged, zoomed, fitted; by mouse, touch and keyboard.

const CLOSEST = 6; // pixels of the screen for one of the picture
const MARGIN = 8;

class Canvas {
  constructor(stage, isPage) {
    this.stage = stage;
    this.isPage = isPage;
    this.pointers = new Map();
    this.hasMoved = false;
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      stage.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    // A click at the end of a drag is none.
    stage.addEventListener("click", (event) => this.hasMoved && event.stopPropagation(), true);
    new ResizeObserver(() => this.resize()).observe(stage);
    addEventListener("beforeprint", () => this.whenPrinting(true));
    addEventListener("afterprint", () => this.whenPrinting(false));
  }

  show(svg) {
    this.svg = svg;
    const { width, height } = svg.viewBox.baseVal;
    this.whole = { x: 0, y: 0, width, height };
    for (const name of ["width", "height"]) svg.setAttribute(name, "100%");
    svg.removeAttribute("style");
    if (!this.isPage) this.stage.style.height = `${this.wanted()}px`;
    this.fit();
  }

  // The height that a figure's picture needs at this width.
  wanted() {
    const { width, height } = this.whole;
    const scale = Math.min((this.size.width - 2 * MARGIN) / width, 1.2);
    return Math.round(Math.max(160, Math.min(640, height * scale + 2 * MARGIN)));
  }

  get size() {
    const { width, height } = this.stage.getBoundingClientRect();
    return { width: Math.max(width, 64), height: Math.max(height, 64) };
  }

  // All of the picture, never larger than it was drawn by half.
  fit() {
    const { width, height } = this.size;
    const scale = Math.min(
      (width - 2 * MARGIN) / this.whole.width,
      (height - 2 * MARGIN) / this.whole.height,
      1.5,
    );
    this.scale = scale;
    this.x = (this.whole.width - width / scale) / 2;
    this.y = (this.whole.height - height / scale) / 2;
    this.isFitted = true;
    this.apply();
  }

  // On paper all of the picture is seen.
  whenPrinting(isPrinting) {
    this.isPrinting = isPrinting;
    if (isPrinting) this.svg.setAttribute("viewBox", Object.values(this.whole).join(" "));
    else this.apply();
  }

  resize() {
    if (!this.svg || this.isPrinting) return;
    if (this.isFitted) this.fit();
    else this.apply();
  }

  apply() {
    const { width, height } = this.size;
    const box = [this.x, this.y, width / this.scale, height / this.scale];
    this.svg.setAttribute("viewBox", box.map((n) => n.toFixed(2)).join(" "));
  }

  // Zoom by a factor; the point under (x, y) of the stage stays where it is.
  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const smallest = 0.5 * Math.min(this.size.width / this.whole.width, 1);
    const scale = Math.min(CLOSEST, Math.max(smallest, this.scale * factor));
    this.x += x / this.scale - x / scale;
    this.y += y / this.scale - y / scale;
    this.scale = scale;
    this.isFitted = false;
    this.apply();
  }

  wheel(event) {
    if (!this.isPage && !event.ctrlKey && !event.metaKey) return; // the page around it scrolls
    event.preventDefault();
    const { left, top } = this.stage.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const amount = Math.max(-120, Math.min(120, event.deltaY * lines));
    this.zoom(Math.exp(-amount / 300), event.clientX - left, event.clientY - top);
  }

  press(event) {
    if (event.button !== 0) return;
    this.pointers.set(event.pointerId, event);
    this.hasMoved = false;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (!this.hasMoved && Math.hypot(dx, dy) < 4) return;
    if (!this.hasMoved) this.stage.setPointerCapture(event.pointerId);
    this.hasMoved = true;
    if (this.pointers.size === 2) this.pinch(before, event);
    else this.pan(dx, dy);
    this.pointers.set(event.pointerId, event);
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.isFitted = false;
    this.apply();
  }

  pinch(before, now) {
    const other = [...this.pointers.values()].find((p) => p.pointerId !== now.pointerId);
    const distance = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
    const { left, top } = this.stage.getBoundingClientRect();
    const factor = distance(now) / Math.max(1, distance(before));
    this.zoom(factor, other.clientX - left, other.clientY - top);
  }

  // Bring a node into sight, if it is not.
  reach(node) {
    const box = node.getBoundingClientRect();
    const seen = this.stage.getBoundingClientRect();
    const margin = 24;
    const over = (low, high, from, to) =>
      low < from + margin ? from + margin - low : high > to - margin ? to - margin - high : 0;
    const dx = over(box.left, box.right, seen.left, seen.right);
    const dy = over(box.top, box.bottom, seen.top, seen.bottom);
    if (dx || dy) {
      const wasFitted = this.isFitted;
      this.pan(dx, dy);
      this.isFitted = wasFitted && !dx && !dy;
    }
  }
}
