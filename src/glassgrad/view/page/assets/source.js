// The printed source: its lines, which of them belong to a node, and which node to a line.

class Source {
  constructor(onSelect) {
    this.onSelect = onSelect;
    this.element = make("div", { class: "gg-code", tabindex: 0 });
    this.rows = [];
  }

  print(lines, isLinked) {
    let isInText = false;
    this.rows = lines.map((text, index) => {
      const marks = text.split('"""').length - 1;
      const isNote = isInText || marks > 0 || text.trimStart().startsWith("#");
      if (marks === 1) isInText = !isInText;
      return this.row(text, index, isNote, isLinked(index));
    });
    this.element.replaceChildren(...this.rows);
  }

  row(text, index, isNote, isLinked) {
    const row = make(
      "div",
      { class: isNote ? "gg-line is-note" : "gg-line" },
      make("span", { class: "gg-number", "aria-hidden": "true" }, String(index + 1)),
      ...code(text, isNote),
    );
    if (isLinked) {
      row.classList.add("is-linked");
      row.addEventListener("click", () => this.onSelect(index));
    }
    return row;
  }

  // Mark the lines of a node; bring the first of those that matter now into sight.
  mark(forward, backward, isBackward) {
    this.rows.forEach((row, index) => {
      row.classList.toggle("is-forward", forward.includes(index));
      row.classList.toggle("is-backward", backward.includes(index));
    });
    const [first] = isBackward && backward.length ? backward : forward;
    if (first !== undefined) this.reach(this.rows[first]);
  }

  reach(row) {
    const pane = this.element;
    const top = row.offsetTop - pane.offsetTop;
    if (top < pane.scrollTop + 20 || top > pane.scrollTop + pane.clientHeight - 40) {
      pane.scrollTop = top - pane.clientHeight / 3;
    }
  }
}

// A line with its comment set apart.
function code(text, isNote) {
  const cut = isNote ? -1 : text.search(/\s+# /);
  if (cut < 0) return [make("code", {}, text || " ")];
  const note = make("span", { class: "gg-comment" }, text.slice(cut));
  return [make("code", {}, text.slice(0, cut), note)];
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}
