// The leaderboard's one script: sorting, filtering, columns and the sample explorer.
// State lives in the URL's hash. Texts are only ever set as text, never as markup.
"use strict";

const state = new URLSearchParams(location.hash.slice(1));
function remember(name, value) {
  if (value) state.set(name, value); else state.delete(name);
  history.replaceState(null, "", "#" + state.toString());
}
function element(tag, kind, text) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

function setUpBoard() {
  const table = document.getElementById("board");
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const texts = rows.map((r) => r.textContent.toLowerCase());
  const search = document.getElementById("q");
  const filters = [...document.querySelectorAll("[data-filter]")].filter((e) => e.tagName === "SELECT");
  const value = (row, i) => {
    const cell = row.cells[i];
    return "v" in cell.dataset ? (cell.dataset.v === "" ? null : Number(cell.dataset.v)) : cell.textContent.trim();
  };
  function sort(column, down) {
    const i = heads.findIndex((h) => h.dataset.col === column);
    if (i < 0) return;
    const sign = down ? -1 : 1;
    const order = rows.map((r, at) => [value(r, i), at, r]);
    order.sort(([a, x], [b, y]) => {
      if (a === null || b === null) return (a === null) - (b === null) || x - y; // without a value: last, both ways
      return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en")) || x - y;
    });
    table.tBodies[0].append(...order.map(([, , r]) => r));
    heads.forEach((h, j) => (j === i ? h.setAttribute("aria-sort", down ? "descending" : "ascending") : h.removeAttribute("aria-sort")));
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      const fits = words.every((w) => texts[i].includes(w)) && filters.every((f) => {
        if (!f.value) return true;
        const own = row.dataset[f.dataset.filter];
        return f.dataset.filter === "verdict" ? own.split("|").includes(f.value) : own === f.value;
      });
      row.hidden = !fits;
      shown += fits;
    });
    document.getElementById("count").textContent = `${shown} of ${rows.length} rows`;
  }
  const boxes = heads.map((head, i) => {
    const box = element("input");
    box.type = "checkbox";
    box.dataset.box = head.dataset.col;
    box.addEventListener("change", () => { show(); remember("cols", asDefault() ? "" : boxes.filter((b) => b.checked).map((b) => b.dataset.box).join(",")); });
    if (head.dataset.col !== "model") {
      const label = element("label");
      label.append(box, " " + head.textContent);
      document.querySelector("#columns .boxes").append(label);
    }
    return box;
  });
  const asDefault = () => boxes.every((b, i) => b.checked === !("off" in heads[i].dataset));
  function show() {
    boxes.forEach((box, i) => { for (const row of [table.tHead.rows[0], ...rows]) row.cells[i].hidden = !box.checked; });
  }
  heads.forEach((head) => head.firstElementChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    sort(head.dataset.col, down);
    remember("sort", (down ? "-" : "") + head.dataset.col);
  }));
  search.addEventListener("input", () => { filter(); remember("q", search.value); });
  filters.forEach((f) => f.addEventListener("change", () => { filter(); remember(f.dataset.filter, f.value); }));
  document.querySelector("form.controls").addEventListener("submit", (e) => e.preventDefault());
  function restore() {
    search.value = state.get("q") || "";
    filters.forEach((f) => {
      const wanted = state.get(f.dataset.filter) || "";
      f.value = [...f.options].some((o) => o.value === wanted) ? wanted : "";
    });
    const columns = state.get("cols");
    boxes.forEach((b, i) => { b.checked = b.dataset.box === "model" || (columns ? columns.split(",").includes(b.dataset.box) : !("off" in heads[i].dataset)); });
    show();
    filter();
    const by = state.get("sort") || "row";
    sort(by.replace(/^-/, ""), by.startsWith("-"));
  }
  restore();
  addEventListener("hashchange", () => {
    const now = new URLSearchParams(location.hash.slice(1));
    if (document.getElementById(location.hash.slice(1))) return; // a link within the page
    for (const key of [...state.keys()]) state.delete(key);
    now.forEach((v, k) => state.set(k, v));
    restore();
  });
}

const waiting = new Map();
window.roteShard = (name, text) => { const done = waiting.get(name); waiting.delete(name); if (done) done(JSON.parse(text)); };

function setUpModel() {
  const pairs = document.getElementById("pairs");
  const variant = document.getElementById("variant");
  const outcome = document.getElementById("outcome");
  const more = document.getElementById("more");
  const count = document.getElementById("count");
  const loaded = new Map();
  let next = 0, shown = 0, run = 0;
  function load(name) {
    if (!loaded.has(name)) loaded.set(name, new Promise((done, failed) => {
      waiting.set(name, done);
      const script = element("script");
      script.src = `${pairs.dataset.folder}/${name}.js`;
      script.onerror = () => { loaded.delete(name); failed(new Error(name)); };
      document.head.append(script);
    }));
    return loaded.get(name);
  }
  // Spans count code points, a browser's strings count 16-bit units.
  function marked(text, changed, inert) {
    const points = [...text], box = element("p", "question");
    const spans = [...changed.map((s) => [...s, ""]), ...inert.map((s) => [...s, "inert"])].sort((a, b) => a[0] - b[0]);
    let at = 0;
    for (const [start, end, kind] of spans) {
      box.append(points.slice(at, start).join(""), element("mark", kind, points.slice(start, end).join("")));
      at = end;
    }
    box.append(points.slice(at).join(""));
    return box;
  }
  function side(title, one) {
    const box = element("div");
    box.append(element("h4", "", title), marked(one.question, one.changed, one.inert));
    const facts = element("p", "facts");
    const sign = one.right ? "✓ right" : "✗ wrong";
    facts.append(element("b", one.right ? "good" : "bad", sign), ` · extracted ${one.answer === null ? "nothing" + (one.reason ? ` (${one.reason})` : "") : one.answer} · gold ${one.gold}`);
    if (one.trap) facts.append(` · trap${one.trap === "yes" ? "" : ": " + one.trap}`);
    if (one.invalid) facts.append(" · invalid");
    if (one.error) facts.append(` · error: ${one.error}`);
    const answer = element("div", "answer", one.response[0]);
    answer.tabIndex = 0;
    answer.setAttribute("role", "region");
    answer.setAttribute("aria-label", `output, ${title}`);
    if (one.response.length > 1) answer.append(element("span", "cut", `… ${one.omitted} characters left out …`), one.response[1]);
    box.append(facts, answer);
    return box;
  }
  const fits = (p) => !outcome.value || p.outcome === outcome.value || (outcome.value === "trap" && p.variant.trap) || (outcome.value === "invalid" && p.variant.invalid);
  async function proceed() {
    const mine = ++run, option = variant.selectedOptions[0];
    const names = option ? option.dataset.shards.split(" ").filter(Boolean) : [];
    more.hidden = true;
    for (let added = 0; added < 5 && next < names.length; next++) {
      let found;
      try { found = await load(names[next]); } catch { count.textContent = "This shard of samples could not be loaded."; return; }
      if (mine !== run) return;
      for (const p of found.filter(fits)) {
        const card = element("article", "flip");
        card.append(element("h3", "", `${p.template}: ${{ lost: "right → wrong", won: "wrong → right" }[p.outcome] || p.outcome}`));
        const pair = element("div", "pair");
        pair.append(side("original", p.original), side(variant.value, p.variant));
        card.append(pair);
        pairs.append(card);
        shown++; added++;
      }
    }
    more.hidden = next >= names.length;
    count.textContent = option ? `${shown} shown; the page holds ${option.dataset.shown} of ${option.dataset.total} pairs` : "no samples";
  }
  function restart() { run++; next = shown = 0; pairs.replaceChildren(); proceed(); }
  function choose(select, name) {
    const wanted = state.get(name);
    if ([...select.options].some((o) => o.value === wanted)) select.value = wanted;
    select.addEventListener("change", () => { remember(name, select.value); restart(); });
  }
  choose(variant, "variant");
  choose(outcome, "outcome");
  more.addEventListener("click", proceed);
  document.querySelector("form.controls").addEventListener("submit", (e) => e.preventDefault());
  const watch = new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting)) { watch.disconnect(); restart(); } }, { rootMargin: "300px" });
  watch.observe(document.getElementById("samples"));
}

if (document.body.classList.contains("board")) setUpBoard(); else setUpModel();
