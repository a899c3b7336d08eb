// What pages do beyond links and forms. Everything here is an addition: without it they still work.
"use strict";

(() => {
  const told = (text) => {
    const place = document.getElementById("told");
    if (place) place.textContent = text;
  };

  // "/" goes to the search; arrows walk through rows; "c" copies what a row is called.
  const isTyping = (element) => /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      const field = document.getElementById("find");
      if (field) { event.preventDefault(); field.focus(); field.select(); }
      return;
    }
    const rows = [...document.querySelectorAll("a.whole")];
    const place = rows.indexOf(document.activeElement);
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (step && place >= 0) {
      const next = rows[place + step];
      if (next) { event.preventDefault(); next.focus(); }
    } else if (event.key === "j" && rows.length) {
      rows[0].focus();
    } else if (event.key === "c" && !event.shiftKey) {
      const holder = document.activeElement.closest("[data-copy]") || document.querySelector("main [data-copy]:not(tr):not(li)");
      if (holder && navigator.clipboard) {
        navigator.clipboard.writeText(holder.dataset.copy).then(() => told(holder.dataset.copied || holder.dataset.copy));
      }
    }
  });

  // One menu is open at a time, and none stays open when a person is elsewhere.
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("details.menu") || !event.target.open) return;
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== event.target) menu.open = false;
  }, true);
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement.closest("details.menu[open]") || document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // On a phone the bar of pages scrolls: the present one is in sight.
  const here = document.querySelector(".rail a[aria-current]"), bar = here && here.closest("nav");
  if (bar && bar.scrollWidth > bar.clientWidth) bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;

  // A filter applies as soon as it is chosen; its button is for those without scripts.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && event.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });
  for (const form of document.querySelectorAll("form[data-auto]")) form.querySelector("[data-without-script]")?.setAttribute("hidden", "");
  // What is not filled in does not stand in the address.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "get") return;
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
  });
  window.addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("form [disabled][name]")) field.disabled = false;
  });
})();
