// The part of the picture that is seen: dragged, zoomed, fitted; by mouse, touch and keyboard.

const CLOSEST = 6; // pixels of the screen for one of the picture
const READABLE = 0.5; // smaller labels cannot be read
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
    this.begin();
  }

  // The height that a figure's picture needs at this width.
  wanted() {
    const { width, height } = this.whole;
    const scale = Math.max(READABLE, Math.min((this.size.width - 2 * MARGIN) / width, 1.2));
    return Math.round(Math.max(160, Math.min(640, height * scale + 2 * MARGIN)));
  }

  get size() {
    const { width, height } = this.stage.getBoundingClientRect();
    return { width: Math.max(width, 64), height: Math.max(height, 64) };
  }

  // The scale at which all of the picture is seen, never larger than it was drawn by half.
  get fitting() {
    const across = (this.size.width - 2 * MARGIN) / this.whole.width;
    const down = (this.size.height - 2 * MARGIN) / this.whole.height;
    return Math.min(across, down, 1.5);
  }

  fit() {
    this.scale = this.fitting;
    this.x = (this.whole.width - this.size.width / this.scale) / 2;
    this.y = (this.whole.height - this.size.height / this.scale) / 2;
    this.isFitted = true;
    this.apply();
  }

  // At first all of it, or of a very long picture the beginning, so that it can be read.
  begin() {
    this.fit();
    if (this.scale >= READABLE) return;
    this.scale = READABLE;
    const start = (whole, room) => Math.min(0, (whole - room) / 2);
    this.x = start(this.whole.width, this.size.width / READABLE);
    this.y = start(this.whole.height, this.size.height / READABLE);
    this.isFitted = false;
    this.isUntouched = true;
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
    else if (this.isUntouched) this.begin();
    else this.apply();
  }

  apply() {
    const { width, height } = this.size;
    const box = [this.x, this.y, width / this.scale, height / this.scale];
    this.svg.setAttribute("viewBox", box.map((n) => n.toFixed(2)).join(" "));
  }

  // Zoom by a factor; the point under (x, y) of the stage stays where it is.
  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const smallest = Math.min(0.5, this.fitting);
    const scale = Math.min(CLOSEST, Math.max(smallest, this.scale * factor));
    this.x += x / this.scale - x / scale;
    this.y += y / this.scale - y / scale;
    this.scale = scale;
    this.isFitted = this.isUntouched = false;
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
    this.isFitted = this.isUntouched = false;
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
    if (dx || dy) this.pan(dx, dy);
  }
}
