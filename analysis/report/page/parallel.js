"use strict";
// Parallel coordinates on a 2D canvas: no WebGL, of which a browser allows few, and a click finds its trial.

const SVG = "http://www.w3.org/2000/svg";
const EDGE = { top: 16, right: 84, bottom: 44, left: 64 };
const NEAR = 8; // Pixels.

function svg(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

class ParallelPlot {
  constructor(div, spec) {
    this.div = div;
    this.axes = spec.axes.map((axis) => ({ ...axis, heights: unpacked(axis.heights) }));
    this.colour = unpacked(spec.colour);
    this.rows = unpacked(spec.rows);
    this.spec = spec;
    this.brushes = new Map(); // number of the axis -> [low, high]
    const known = [...Array(spec.count).keys()].filter((line) => this.axes.every((axis) => this.has(axis.heights[line])));
    const rank = (line) => (this.has(this.colour[line]) ? this.colour[line] : -Infinity);
    this.order = known.sort((a, b) => rank(a) - rank(b));
    div.classList.add("parallel");
    this.canvas = div.appendChild(document.createElement("canvas"));
    this.hint = document.createElement("p");
    this.hint.className = "hint";
    this.hint.setAttribute("aria-live", "polite");
    div.after(this.hint);
  }

  has(value) {
    return value !== null && Number.isFinite(value);
  }

  draw() {
    this.width = this.div.clientWidth;
    this.height = this.div.clientHeight;
    this.drawLines();
    this.drawAxes();
    this.say();
  }

  x(number) {
    const room = this.width - EDGE.left - EDGE.right;
    return EDGE.left + (this.axes.length > 1 ? (room * number) / (this.axes.length - 1) : room / 2);
  }

  y(height) {
    return EDGE.top + (1 - height) * (this.height - EDGE.top - EDGE.bottom);
  }

  // The best stands out: dark on white, light on dark.
  shade(share) {
    const stops = colours.scale;
    const at = Math.max(0, Math.min(1, isDark() ? share : 1 - share)) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const part = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
    const mix = [0, 1, 2].map((i) => Math.round(part(stops[low], i) + (at - low) * (part(stops[low + 1], i) - part(stops[low], i))));
    return `rgb(${mix.join(",")})`;
  }

  share(line) {
    return (this.colour[line] - this.spec.low) / (this.spec.high - this.spec.low || 1);
  }

  chosen(line) {
    for (const [number, [low, high]] of this.brushes) {
      const height = this.axes[number].heights[line];
      if (height < low || height > high) return false;
    }
    return true;
  }

  drawLines() {
    const sharp = Math.max(2, devicePixelRatio || 1);
    this.canvas.width = this.width * sharp;
    this.canvas.height = this.height * sharp;
    const pen = this.canvas.getContext("2d");
    pen.scale(sharp, sharp);
    this.visible = this.order.filter((line) => this.chosen(line));
    pen.globalAlpha = Math.max(0.15, Math.min(0.8, 60 / (this.visible.length || 1)));
    pen.lineWidth = 1.2;
    pen.lineJoin = "round";
    const without = getComputedStyle(this.div).getPropertyValue("--none") || "#999";
    for (const line of this.visible) {
      pen.strokeStyle = this.has(this.colour[line]) ? this.shade(this.share(line)) : without;
      pen.beginPath();
      this.axes.forEach((axis, number) => pen.lineTo(this.x(number), this.y(axis.heights[line])));
      pen.stroke();
    }
  }

  drawAxes() {
    if (this.picture) this.picture.remove();
    this.picture = svg("svg", { viewBox: `0 0 ${this.width} ${this.height}`, role: "presentation" }, this.div);
    const overlay = svg("rect", { class: "overlay", width: this.width, height: this.height }, this.picture);
    overlay.addEventListener("pointermove", (event) => this.point(event));
    overlay.addEventListener("pointerleave", () => this.pointAt(-1));
    overlay.addEventListener("click", (event) => {
      const line = this.nearest(event);
      if (line >= 0 && this.rows[line] >= 0) openTrial(trials.keys[this.rows[line]]);
    });
    this.light = svg("polyline", { fill: "none", stroke: "var(--ink)", "stroke-width": 2.5, "pointer-events": "none" }, this.picture);
    const letters = this.axes.map((axis, number) => (number ? axis.label.length + this.axes[number - 1].label.length : 0));
    const crowded = this.axes.length > 1 && 3.5 * Math.max(...letters) > this.x(1) - this.x(0);
    this.axes.forEach((axis, number) => {
      const x = this.x(number);
      svg("line", { class: "axis", x1: x, x2: x, y1: this.y(1), y2: this.y(0) }, this.picture);
      for (const [height, text] of axis.ticks) {
        const wide = 6.6 * text.length + 4;
        svg("rect", { class: "halo", x: x - 4 - wide, y: this.y(height) - 7, width: wide, height: 14, rx: 3 }, this.picture);
        svg("text", { class: "tick", x: x - 6, y: this.y(height) + 4, "text-anchor": "end" }, this.picture, text);
      }
      const anchor = number === 0 ? "start" : "middle";
      const foot = this.height - (crowded && number % 2 ? 4 : 18); // Every other name a line lower.
      svg("text", { x: number === 0 ? 4 : x, y: foot, "text-anchor": anchor }, this.picture, axis.label);
      const brush = this.brushes.get(number);
      if (brush) {
        const [low, high] = brush;
        svg("rect", { class: "brush", x: x - 7, width: 14, y: this.y(high), height: this.y(low) - this.y(high) }, this.picture);
      }
      const grip = svg("rect", { class: "grip", x: x - 12, width: 24, y: EDGE.top - 10, height: this.y(0) - EDGE.top + 20 }, this.picture);
      this.brushing(grip, number);
    });
    this.drawBar();
  }

  drawBar() {
    const x = this.width - 54;
    const [top, foot] = [this.y(1), this.y(0)];
    const fill = `shade-${this.div.dataset.figure}-${this.div.dataset.panel}`;
    const gradient = svg("linearGradient", { id: fill, x1: 0, x2: 0, y1: 1, y2: 0 }, svg("defs", {}, this.picture));
    for (let i = 0; i <= 10; i++) svg("stop", { offset: i / 10, "stop-color": this.shade(i / 10) }, gradient);
    svg("rect", { x, y: top, width: 12, height: foot - top, fill: `url(#${fill})` }, this.picture);
    const text = (value) => String(Number(value.toPrecision(3)));
    svg("text", { class: "tick", x: x + 16, y: top + 10 }, this.picture, text(this.spec.high));
    svg("text", { class: "tick", x: x + 16, y: foot }, this.picture, "≤ " + text(this.spec.low));
    const middle = (top + foot) / 2;
    const turned = { x: x + 30, y: middle, transform: `rotate(-90 ${x + 30} ${middle})`, "text-anchor": "middle" };
    svg("text", turned, this.picture, this.spec.unit);
  }

  brushing(grip, number) {
    let start = null;
    const height = (event) => {
      const y = event.clientY - this.div.getBoundingClientRect().top;
      return Math.max(-0.02, Math.min(1.02, 1 - (y - EDGE.top) / (this.height - EDGE.top - EDGE.bottom)));
    };
    const move = (event) => {
      const now = height(event);
      if (Math.abs(now - start) > 0.01) this.brushes.set(number, [Math.min(start, now), Math.max(start, now)]);
      this.drawLines();
      this.say();
    };
    grip.addEventListener("pointerdown", (event) => {
      start = height(event);
      this.brushes.delete(number);
      grip.setPointerCapture(event.pointerId);
      grip.addEventListener("pointermove", move);
      event.preventDefault();
    });
    grip.addEventListener("pointerup", () => {
      grip.removeEventListener("pointermove", move);
      this.draw();
    });
  }

  nearest(event) {
    const box = this.div.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const step = this.x(1) - this.x(0) || 1;
    const left = Math.max(0, Math.min(this.axes.length - 2, Math.floor((x - this.x(0)) / step)));
    const share = (x - this.x(left)) / step;
    let [best, least] = [-1, NEAR];
    for (const line of this.visible) {
      const [a, b] = [this.axes[left].heights[line], this.axes[Math.min(left + 1, this.axes.length - 1)].heights[line]];
      const off = Math.abs(this.y(a + share * (b - a)) - y);
      if (off <= least) [best, least] = [line, off]; // Of equals the one in front.
    }
    return best;
  }

  point(event) {
    this.pointAt(this.nearest(event));
  }

  pointAt(line) {
    const points = line < 0 ? [] : this.axes.map((axis, number) => `${this.x(number)},${this.y(axis.heights[line])}`);
    this.light.setAttribute("points", points.join(" "));
    this.div.style.cursor = line < 0 ? "default" : "pointer";
    this.say(line);
  }

  say(line = -1) {
    const counts = `${this.visible.length.toLocaleString("en")} of ${this.order.length.toLocaleString("en")} trials.`;
    const help = "Drag along an axis to select, click on it to take that back.";
    const key = line >= 0 && this.rows[line] >= 0 ? trials.keys[this.rows[line]] : "";
    const value = line >= 0 && this.has(this.colour[line]) ? `: ${this.spec.unit} ${Number(this.colour[line].toPrecision(4))}` : "";
    this.hint.textContent = line >= 0 ? `${key}${value}` : `${counts} ${help}`;
  }
}
