"use strict";
// The live page: asks again and again whether the records have changed, and replaces the sections that then differ.

const EVERY = 2000; // Milliseconds.
let version = document.documentElement.dataset.live;
const sources = new Map(); // id -> the section as the server wrote it

function note(page) {
  for (const section of page.querySelectorAll("main > section")) sources.set(section.id, section.outerHTML);
}

async function fetchPage() {
  const answer = await fetch("page", { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page;
}

// Starts what is new in a section: what is elsewhere was started before, and would get its buttons twice.
function startWithin(section, name, start) {
  const others = [...document.querySelectorAll("." + name)].filter((it) => !section.contains(it));
  for (const it of others) it.classList.remove(name);
  start();
  for (const it of others) it.classList.add(name);
}

function forget(section) {
  for (const div of section.querySelectorAll(".plot")) {
    if (plots.has(div) && !plots.get(div).parallel) Plotly.purge(div);
    plots.delete(div);
    figures.delete(div.dataset.figure);
  }
}

function place(fresh, order) {
  const section = document.importNode(fresh, true);
  const old = document.getElementById(fresh.id);
  if (old) {
    forget(old);
    old.replaceWith(section);
  } else {
    const after = order.slice(order.indexOf(fresh.id) + 1).map((id) => document.getElementById(id));
    document.getElementById("main").insertBefore(section, after.find((it) => it) || null);
  }
  startWithin(section, "sortable", startSorting);
  startWithin(section, "legend", startLegends);
  startWithin(section, "focus", startFocus);
}

function takeIn(page) {
  const order = [...page.querySelectorAll("main > section")].map((section) => section.id);
  const changed = order.filter((id) => sources.get(id) !== page.getElementById(id).outerHTML);
  for (const section of document.querySelectorAll("main > section")) {
    if (!order.includes(section.id)) {
      forget(section);
      section.remove();
    }
  }
  const data = page.getElementById("data-trials");
  if (data) Object.assign(trials, JSON.parse(data.textContent)); // The plots' links lead to its rows.
  for (const id of changed) place(page.getElementById(id), order);
  if (changed.includes("trials")) trialTable = new TrialTable(trials);
  for (const selector of [".runs", "nav ul"]) {
    document.querySelector(selector).replaceWith(document.importNode(page.querySelector(selector), true));
  }
  const missing = [document, page].map((it) => it.querySelector("div.missing"));
  if (missing[0] && missing[1]) missing[0].replaceWith(document.importNode(missing[1], true));
  else if (missing[0]) missing[0].remove();
  note(page);
  document.documentElement.dataset.changed = changed.join(" ");
  drawAll();
}

async function refresh() {
  const state = await (await fetch("state", { cache: "no-store" })).json();
  document.getElementById("live").textContent = state.text;
  if (state.version === version && sources.size) return;
  const page = await fetchPage();
  const theirs = page.documentElement.dataset.live;
  if (!sources.size && theirs === version) return note(page); // What is shown.
  if (!trials) return location.reload(); // The first trial.
  takeIn(page);
  version = theirs;
}

async function follow() {
  try {
    await refresh();
  } catch (error) {
    document.getElementById("live").textContent = "The server has ended, or does not answer.";
  }
  setTimeout(follow, EVERY);
}

follow();
