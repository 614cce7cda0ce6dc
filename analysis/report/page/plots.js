"use strict";
// Plots: each .plot is one panel; its data stands in the page as JSON, in the colours for white.

const TYPES = { u1: Uint8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array };
const COARSE = matchMedia("(pointer: coarse)");
const PRINT_WIDTH = 680;

function read(id) {
  const found = document.getElementById("data-" + id);
  return found ? JSON.parse(found.textContent) : null;
}

const colours = read("colours");
const trials = read("trials");
const figures = new Map();
const plots = new Map(); // div -> {data, layout, hidden} or {parallel}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function unpacked(column) {
  if (!column || !column.bdata) return column;
  const bytes = Uint8Array.from(atob(column.bdata), (letter) => letter.charCodeAt(0));
  return new TYPES[column.dtype](bytes.buffer);
}

function withColumns(value) {
  if (Array.isArray(value) || value === null || typeof value !== "object") return value;
  if (value.bdata) return unpacked(value);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withColumns(part)]));
}

// A copy in the colours of the theme; columns of numbers are left as they are.
function painted(value) {
  if (typeof value === "string") return (isDark() && colours.dark[value]) || value;
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.some((part) => part && typeof part === "object") ? value.map(painted) : value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, name === "text" || name === "customdata" ? part : painted(part)])
  );
}

function specOf(div) {
  const name = div.dataset.figure;
  if (!figures.has(name)) figures.set(name, read(name));
  return figures.get(name)[Number(div.dataset.panel)];
}

function linked(data, links) {
  for (const [number, runs] of Object.entries(links || {})) {
    const keys = [];
    for (const [row, count] of runs) for (let i = 0; i < count; i++) keys.push(row < 0 ? "" : trials.keys[row]);
    data[number].customdata = keys;
  }
}

function isHidden(trace, hidden) {
  const meta = trace.meta;
  return Boolean(meta) && hidden.some((it) => meta.group === it.group && (meta.label === it.label || (it.first && !meta.label)));
}

function draw(div) {
  let plot = plots.get(div);
  if (!plot) {
    const spec = specOf(div);
    plot = spec.parallel
      ? { parallel: new ParallelPlot(div, spec.parallel) }
      : { data: spec.data.map(withColumns), layout: spec.layout, hidden: [] };
    plots.set(div, plot);
    if (!plot.parallel) linked(plot.data, spec.links);
  }
  if (plot.parallel) return plot.parallel.draw();
  const fresh = !div.classList.contains("js-plotly-plot");
  const data = plot.data.map((trace) => ({ ...painted(trace), visible: !isHidden(trace, plot.hidden) }));
  const layout = { ...painted(plot.layout), dragmode: COARSE.matches ? false : "zoom", autosize: true };
  for (const trace of data) if (trace.type === "heatmap") trace.reversescale = !isDark(); // The best stand out.
  const whole = plot.whole && specOf(div).whole;
  if (whole) layout.yaxis = { ...layout.yaxis, range: whole };
  layout.uirevision = whole ? "whole" : "kept";
  layout.width = div.clientWidth;
  layout.height = div.clientHeight;
  if (layout.width < 480) for (const trace of data) if (trace.colorbar) trace.colorbar = { ...trace.colorbar, title: {} };
  Plotly.react(div, data, layout, {
    displaylogo: false,
    displayModeBar: false,
    doubleClick: "reset",
  });
  if (fresh && specOf(div).links && Object.keys(specOf(div).links).length) {
    div.classList.add("linked");
    div.on("plotly_click", (event) => {
      const key = event.points.map((point) => point.customdata).find((it) => it);
      if (key) openTrial(key);
    });
  }
}

function allPlots() {
  return [...document.querySelectorAll(".plot")];
}

// One plot at a time, so that the page can be read meanwhile.
function drawAll() {
  const waiting = allPlots();
  document.documentElement.dataset.drawn = "no";
  const step = () => {
    const div = waiting.shift();
    if (!div) {
      document.documentElement.dataset.drawn = "yes";
      return;
    }
    if (!plots.has(div)) draw(div);
    setTimeout(step, 0);
  };
  step();
}

function redraw() {
  for (const div of allPlots()) if (plots.has(div)) draw(div);
}

function startLegends() {
  for (const legend of document.querySelectorAll(".legend")) {
    const buttons = [...legend.querySelectorAll("button")];
    for (const button of buttons) {
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        const hidden = buttons
          .filter((it) => it.getAttribute("aria-pressed") !== "true")
          .map((it) => ({
            group: it.dataset.group,
            label: it.dataset.label,
            first: buttons.find((other) => other.dataset.group === it.dataset.group) === it,
          }));
        for (const div of legend.parentElement.querySelectorAll(".plot")) {
          const plot = plots.get(div);
          if (plot && plot.data) {
            plot.hidden = hidden;
            draw(div);
          }
        }
      });
    }
  }
}

// Between the part of the axis that matters and all of it.
function startFocus() {
  for (const button of document.querySelectorAll("button.focus")) {
    button.addEventListener("click", () => {
      const whole = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(whole));
      for (const div of button.closest("figure").querySelectorAll(".plot")) {
        const plot = plots.get(div);
        if (!plot) continue;
        plot.whole = whole;
        draw(div);
      }
    });
  }
}

function startResizing() {
  let timer = 0;
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // The address bar of a phone comes and goes.
    width = innerWidth;
    clearTimeout(timer);
    timer = setTimeout(redraw, 150);
  });
}
