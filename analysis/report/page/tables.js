"use strict";
// Tables that sort, and the table of all trials, of which a page at a time is in the document.

const PAGE_ROWS = 100;

// What a cell's text is worth: a number, a text, or null for nothing, which sorts last in both directions.
function worth(text) {
  const it = text.trim();
  if (!it || it === "-") return null;
  const fraction = it.match(/^([\d.]+)\/(\d+)$/);
  if (fraction) return fraction[1] / fraction[2];
  const time = it.match(/^(?:(\d+) h)? ?(?:(\d+) min)? ?(?:([\d.]+) s)?$/);
  if (time) return 3600 * (time[1] || 0) + 60 * (time[2] || 0) + Number(time[3] || 0);
  const number = it.match(/^[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?/i);
  return number ? Number(number[0].replaceAll(",", "")) : it;
}

function compared(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function blankLast(a, b, sign) {
  const [none, nothing] = [a === null || a === "", b === null || b === ""];
  if (none || nothing) return none - nothing;
  return sign * compared(a, b);
}

// Makes a heading a button, so that the keyboard reaches it too.
function sortButton(heading, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = heading.textContent;
  heading.textContent = "";
  heading.append(button);
  button.addEventListener("click", onClick);
}

function nextSign(headings, number) {
  const ascending = headings[number].getAttribute("aria-sort") === "ascending";
  headings.forEach((heading) => heading.removeAttribute("aria-sort"));
  headings[number].setAttribute("aria-sort", ascending ? "descending" : "ascending");
  return ascending ? -1 : 1;
}

function startSorting() {
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, number) => {
      const numeric = heading.classList.contains("n");
      const key = (row) => {
        const text = row.cells[number].textContent;
        return numeric ? worth(text) : text.trim();
      };
      sortButton(heading, () => {
        const sign = nextSign(headings, number);
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => blankLast(key(a), key(b), sign));
        table.tBodies[0].append(...rows);
      });
    });
  }
}

class TrialTable {
  constructor(data) {
    this.data = data;
    this.table = document.getElementById("all");
    this.count = data.keys.length;
    this.order = [...Array(this.count).keys()];
    this.page = 0;
    this.marked = -1;
    this.sorted = null; // [number of the column, sign]
    const row = this.table.tHead.rows[0];
    data.headings.forEach((name, number) => {
      const heading = document.createElement("th");
      heading.scope = "col";
      heading.textContent = name;
      if (data.numeric[number]) heading.className = "n";
      row.append(heading);
      sortButton(heading, () => {
        this.sorted = [number, nextSign([...row.cells], number)];
        this.page = 0;
        this.arrange();
      });
    });
    this.filter = document.getElementById("filter");
    this.filter.addEventListener("input", () => {
      this.page = 0;
      this.arrange();
    });
    document.getElementById("previous").addEventListener("click", () => this.turn(-1));
    document.getElementById("next").addEventListener("click", () => this.turn(1));
    this.show();
  }

  value(row, number) {
    const column = this.data.columns[number];
    return column.words ? column.words[column.codes[row]] : column[row];
  }

  // "conv", "status=failed", "test>97": all of them must hold.
  conditions() {
    return this.filter.value
      .toLowerCase()
      .split(/[\s,]+/)
      .filter(Boolean)
      .map((word) => {
        const parts = word.match(/^([^<>=!]+)(<=|>=|!=|<|>|=)(.+)$/);
        const name = parts && parts[1];
        const number = parts ? this.data.headings.findIndex((it) => it.replaceAll(" ", "").toLowerCase().startsWith(name)) : -1;
        if (number < 0) {
          const texts = this.data.columns.map((column, i) => i).filter((i) => this.data.columns[i].words);
          return (row) => texts.some((i) => this.value(row, i).toLowerCase().includes(word));
        }
        const [sign, text] = [parts[2], parts[3]];
        const wanted = this.data.numeric[number] ? Number(text) : text;
        return (row) => {
          let value = this.value(row, number);
          if (value === null) return sign === "!=";
          if (typeof value === "string") value = value.toLowerCase();
          if (sign === "=") return value === wanted;
          if (sign === "!=") return value !== wanted;
          if (sign === "<") return value < wanted;
          if (sign === "<=") return value <= wanted;
          return sign === ">" ? value > wanted : value >= wanted;
        };
      });
  }

  arrange() {
    const conditions = this.conditions();
    this.order = [...Array(this.count).keys()].filter((row) => conditions.every((holds) => holds(row)));
    if (this.sorted) {
      const [number, sign] = this.sorted;
      this.order.sort((a, b) => blankLast(this.value(a, number), this.value(b, number), sign) || a - b);
    }
    this.show();
  }

  turn(by) {
    this.page += by;
    this.show();
  }

  show() {
    const last = Math.max(0, Math.ceil(this.order.length / PAGE_ROWS) - 1);
    this.page = Math.max(0, Math.min(last, this.page));
    const start = this.page * PAGE_ROWS;
    const rows = this.order.slice(start, start + PAGE_ROWS);
    this.table.tBodies[0].replaceChildren(...rows.map((row) => this.row(row)));
    document.getElementById("previous").disabled = this.page === 0;
    document.getElementById("next").disabled = this.page === last;
    const of = this.order.length.toLocaleString("en");
    document.getElementById("shown").textContent = rows.length ? `${start + 1} to ${start + rows.length} of ${of}` : "none";
  }

  row(row) {
    const made = document.createElement("tr");
    const key = this.data.keys[row];
    made.id = "trial-" + key;
    made.tabIndex = -1;
    if (row === this.marked) made.className = "marked";
    this.data.headings.forEach((name, number) => {
      const cell = made.insertCell();
      const value = this.value(row, number);
      if (this.data.numeric[number]) cell.className = "n";
      if (name === "trial") {
        const link = document.createElement("a");
        link.href = address(key);
        link.textContent = value;
        cell.append(link);
      } else if (name === "status" && this.data.errors[row]) {
        const details = document.createElement("details");
        const summary = document.createElement("summary");
        const text = document.createElement("pre");
        summary.textContent = value;
        text.textContent = this.data.errors[row];
        details.append(summary, text);
        cell.append(details);
      } else {
        if (name === "made by") cell.className = "long";
        cell.textContent = this.data.numeric[number] ? this.number(name, value) : value;
      }
    });
    return made;
  }

  number(name, value) {
    if (value === null) return "";
    if (name.endsWith("%")) return value.toFixed(2);
    if (name === "seconds") return value.toFixed(1);
    return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential() : String(value);
  }

  // Goes to the page that has a trial, and marks it.
  open(key) {
    const row = this.data.keys.indexOf(key);
    if (row < 0) return;
    if (!this.order.includes(row)) {
      this.filter.value = "";
      this.arrange();
    }
    this.marked = row;
    this.page = Math.floor(this.order.indexOf(row) / PAGE_ROWS);
    this.show();
    const shown = document.getElementById("trial-" + key);
    shown.scrollIntoView({ block: "center" });
    shown.focus({ preventScroll: true });
  }
}

function address(key) {
  return "#trial-" + encodeURIComponent(key);
}
