/* The live feed: rows wait behind a button, so that nothing moves under a reader's eyes. */
(() => {
  "use strict";
  const SHOWN_MAX = 100, WAITING_MAX = 500, HIDDEN_MS = 60000, SAY_MS = 5000, CUT_MS = 4000;

  function feed(box) {
    const list = box.querySelector("ul"), button = box.querySelector(".waiting");
    const nothing = box.querySelector(".nothing"), told = document.getElementById("told");
    let after = box.dataset.after, waiting = [], count = 0, source = null, saidAt = 0;
    let hidden = 0, cut = 0;

    function wanted(row) {
      if (row.hasAttribute("data-test") && !box.hasAttribute("data-tests")) return false;
      return !box.dataset.shop || row.dataset.shop === box.dataset.shop;
    }

    function element(text) {
      const holder = document.createElement("template");
      holder.innerHTML = text;
      return holder.content.firstElementChild;
    }

    function show() {
      const rows = waiting.reverse();
      rows.forEach((row) => row.classList.add("fresh"));
      list.prepend(...rows);
      while (list.children.length > SHOWN_MAX) list.lastElementChild.remove();
      waiting = [];
      count = 0;
      button.hidden = true;
      nothing.hidden = true;
      box.dispatchEvent(new CustomEvent("voidtrail:shown", { bubbles: true }));
    }

    function announce() {
      const words = (count === 1 ? box.dataset.one : box.dataset.many);
      const said = words.replace("{count}", count.toLocaleString(document.documentElement.lang));
      button.textContent = said;
      button.hidden = false;
      if (Date.now() - saidAt > SAY_MS && told) {
        told.textContent = said;
        saidAt = Date.now();
      }
    }

    function row(event) {
      after = event.lastEventId;
      const found = element(event.data);
      if (!found || !wanted(found)) return;
      found.dataset.arrived = String(performance.timeOrigin + performance.now());
      waiting.push(found);
      if (waiting.length > WAITING_MAX) waiting.shift();
      count += 1;
      if (list.children.length === 0 && waiting.length === 1) show();
      else announce();
    }

    function open() {
      if (source) return;
      source = new EventSource(`${box.dataset.live}&after=${encodeURIComponent(after)}`);
      source.addEventListener("row", row);
      source.addEventListener("more", (event) => {
        after = event.lastEventId;
        count += Number(event.data);
        announce();
      });
      source.onopen = () => {
        window.clearTimeout(cut);
        box.removeAttribute("data-lost");
      };
      source.onerror = () => {
        window.clearTimeout(cut);
        cut = window.setTimeout(() => {
          box.setAttribute("data-lost", "");
          if (told) told.textContent = box.dataset.cut;
        }, CUT_MS);
        if (source && source.readyState === EventSource.CLOSED) {
          close();
          window.setTimeout(open, 10 * CUT_MS);
        }
      };
    }

    function close() {
      if (source) source.close();
      source = null;
    }

    button.addEventListener("click", show);
    // A browser has few connections for one host: a page that nobody looks at gives its own back.
    document.addEventListener("visibilitychange", () => {
      window.clearTimeout(hidden);
      if (document.hidden) hidden = window.setTimeout(close, HIDDEN_MS);
      else open();
    });
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", open);
    open();
  }

  document.querySelectorAll("[data-live]").forEach(feed);
})();
