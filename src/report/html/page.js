"use strict";
// The page is complete without this script: it adds search, filter, the second column and the theme. Content is only
// ever moved as nodes and read as text, and never as markup.
const root = document.documentElement;
const one = (selector) => document.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
root.classList.add("js");

// The bar's height, so that what sticks below it does.
const bar = one(".bar");
new ResizeObserver(() => root.style.setProperty("--bar", bar.offsetHeight + "px")).observe(bar);

// Settings outlive the page where the browser lets them.
const remember = (key, value) => { try { localStorage.setItem("revdiff-" + key, value); } catch { /* not here */ } };
const recall = (key) => { try { return localStorage.getItem("revdiff-" + key); } catch { return null; } };

// Light, dark, or as the system has it.
const themes = ["auto", "light", "dark"];
const theme = one("#theme");
const setTheme = (name) => {
  if (name === "auto") delete root.dataset.theme; else root.dataset.theme = name;
  theme.textContent = "◐ " + name;
  theme.title = "Theme: " + name;
  remember("theme", name);
};
theme.addEventListener("click", () => setTheme(themes[(themes.indexOf(root.dataset.theme ?? "auto") + 1) % 3]));
setTheme(themes.includes(recall("theme")) ? recall("theme") : "auto");

// Objects, each with its link in the tree, its weight (objects that changed alike count), and its text when asked for.
const objects = all("[data-change]").map((element) => ({
  element,
  change: element.dataset.change,
  weight: Number(element.dataset.weight),
  title: element.querySelector("summary").textContent.toLowerCase(),
  links: [],
  text: null,
}));
const byId = new Map(objects.map((object) => [object.element.id, object]));
for (const link of all("nav a[href^='#r']")) byId.get(link.getAttribute("href").slice(1))?.links.push(link.parentElement);
const total = objects.reduce((sum, object) => sum + object.weight, 0);

// Search and filter.
const search = one("#search");
const status = one("#status");
const empty = one("#none");
const kinds = all(".chip input");
const groups = all(".group, nav details").reverse();
const apply = () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(kinds.filter((kind) => kind.checked).map((kind) => kind.value));
  let shown = 0;
  for (const object of objects) {
    if (words.length && object.text === null) object.text = object.element.textContent.toLowerCase();
    const matches = wanted.has(object.change) && words.every((word) => object.text.includes(word));
    object.element.hidden = !matches;
    for (const link of object.links) link.hidden = !matches;
    if (matches) shown += object.weight;
  }
  // The innermost groups come first.
  for (const group of groups) {
    group.hidden = ![...group.querySelectorAll(":scope > .object, :scope > ul > li, :scope > details, :scope > .group")].some((child) => !child.hidden);
  }
  status.textContent = shown === total ? "" : shown + " of " + total + " shown";
  empty.hidden = shown > 0 || total === 0;
  highlight(words);
};
let waiting;
search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 80); });
kinds.forEach((kind) => kind.addEventListener("change", apply));

// What was searched for is marked in what is open.
const highlight = (words) => {
  if (!window.CSS?.highlights) return;
  CSS.highlights.delete("found");
  const ranges = [];
  for (const element of words.length ? all(".object:not([hidden])") : []) {
    const walker = document.createTreeWalker(element.open ? element : element.firstElementChild, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < 2000) {
      const text = walker.currentNode.data.toLowerCase();
      for (const word of words) {
        for (let at = text.indexOf(word); at >= 0 && ranges.length < 2000; at = text.indexOf(word, at + word.length)) {
          if (at + word.length > walker.currentNode.length) break;
          const range = new Range();
          range.setStart(walker.currentNode, at);
          range.setEnd(walker.currentNode, at + word.length);
          ranges.push(range);
        }
      }
    }
    if (ranges.length >= 2000) break;
  }
  if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges));
};

// Two columns: lines that are on both sides get a twin, once their object is open.
const twin = (element) => {
  if (element.dataset.twins || root.dataset.view !== "split") return;
  element.dataset.twins = "made";
  for (const line of all(".hunk > .c", element)) {
    const both = document.createElement("div");
    const copy = line.cloneNode(true);
    both.className = "both";
    copy.classList.add("twin");
    copy.setAttribute("aria-hidden", "true");
    line.replaceWith(both);
    both.append(line, copy);
  }
};
const views = all("[data-shows]");
const setView = (name) => {
  root.dataset.view = name;
  views.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.shows === name)));
  all(".object[open]").forEach(twin);
  remember("view", name);
};
views.forEach((button) => button.addEventListener("click", () => setView(button.dataset.shows)));
document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.(".object") || !event.target.open) return;
  twin(event.target);
  if (search.value) { clearTimeout(waiting); waiting = setTimeout(apply, 80); }
}, true);
setView(recall("view") === "split" ? "split" : "unified");

// All at once, a few in each frame.
const expand = one("#expand");
expand.addEventListener("click", () => {
  const open = expand.dataset.open !== "yes";
  expand.dataset.open = open ? "yes" : "no";
  expand.textContent = open ? "Close all" : "Open all";
  const waiting = all("main .object:not([hidden])").filter((element) => element.open !== open);
  const some = () => {
    waiting.splice(0, 100).forEach((element) => { element.open = open; });
    if (waiting.length) requestAnimationFrame(some);
  };
  some();
});

// A link opens what it leads to.
const reveal = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target || !target.matches(".object")) return;
  target.open = true;
  target.scrollIntoView();
};
window.addEventListener("hashchange", reveal);
all("nav a").forEach((link) => link.addEventListener("click", () => {
  one("nav").classList.remove("open");
  if (link.getAttribute("href") === location.hash) reveal();
}));
one("#tree").addEventListener("click", (event) => {
  event.currentTarget.setAttribute("aria-expanded", String(one("nav").classList.toggle("open")));
});

// Keys.
const step = (by) => {
  const visible = all("main .object:not([hidden]) > summary").filter((summary) => !summary.closest("[hidden]"));
  const at = visible.indexOf(document.activeElement?.closest?.("summary"));
  const next = visible[at < 0 ? 0 : Math.min(Math.max(at + by, 0), visible.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
};
const keys = {
  "/": () => { search.focus(); search.select(); },
  j: () => step(1),
  k: () => step(-1),
  s: () => setView(root.dataset.view === "split" ? "unified" : "split"),
  e: () => expand.click(),
  t: () => theme.click(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target === search) { search.value = ""; apply(); search.blur(); return; }
  if (event.target.matches?.("input, textarea") && event.target.type !== "checkbox") return;
  if (Object.hasOwn(keys, event.key)) { event.preventDefault(); keys[event.key](); }
});
apply();
reveal();
