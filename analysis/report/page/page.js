"use strict";
// What starts when the page has been read: theme, tables, plots, addresses of trials, printing.

let trialTable = null;

function openTrial(key) {
  if (location.hash === address(key)) trialTable.open(key);
  else location.hash = address(key);
}

function followAddress() {
  const prefix = "#trial-";
  if (!trialTable || !location.hash.startsWith(prefix)) return;
  let key = location.hash.slice(prefix.length);
  try {
    key = decodeURIComponent(key);
  } catch (error) {
    return; // Not an address that this page made.
  }
  trialTable.open(key);
}

function startTheme() {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const label = () => (button.textContent = isDark() ? "Light" : "Dark");
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    label();
    redraw();
  });
  label();
}

function startContents() {
  const details = document.querySelector("nav details");
  const narrow = matchMedia("(max-width: 60rem)");
  const follow = () => (details.open = !narrow.matches);
  narrow.addEventListener("change", follow);
  details.addEventListener("click", (event) => {
    if (narrow.matches && event.target.tagName === "A") details.open = false;
  });
  follow();
}

// Paper is white and has its own width; plots are drawn for it before the browser lays the page out.
function startPrinting() {
  const root = document.documentElement;
  let before;
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.more:not([open])")];
    for (const details of opened) details.open = true;
    before = root.dataset.theme;
    root.dataset.theme = "light";
    root.classList.add("printing");
    for (const div of allPlots()) draw(div);
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
    root.classList.remove("printing");
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    redraw();
  });
}

startTheme();
startContents();
startSorting();
startLegends();
startFocus();
startResizing();
startPrinting();
if (trials) trialTable = new TrialTable(trials);
addEventListener("hashchange", followAddress);
drawAll();
followAddress();
