"use strict";
// Added to pages by `archiver serve`: reload when the site was rebuilt, and stay at the same
// place. The policy of the pages allows scripts of their own origin and nothing else, so the state
// of the site is asked for by a script element, whose answer calls `archiverState`.
(() => {
  const INTERVAL = 2000, LONGEST = 60000, PATIENCE = 3000;
  const PLACE = "archiver.place";
  const shown = document.currentScript.dataset.state;
  let wait = INTERVAL, timer = 0, number = 0, asked = null;

  function ask() {
    clearTimeout(timer);
    if (asked || document.hidden) return;
    asked = document.createElement("script");
    asked.src = `/-/state.js?${number += 1}`;
    asked.onload = () => answered(INTERVAL);
    asked.onerror = () => answered(Math.min(2 * wait, LONGEST));
    document.head.append(asked);
  }

  function answered(next) {
    asked.remove();
    asked = null;
    wait = next;
    timer = setTimeout(ask, wait);
  }

  function reload() {
    keep(JSON.stringify([location.href, scrollX, scrollY]));
    location.reload();
  }

  // Where a browser forbids storage, pages begin at their top.
  function keep(place) {
    try { sessionStorage.setItem(PLACE, place); } catch { /* see above */ }
  }

  function kept() {
    try {
      const place = JSON.parse(sessionStorage.getItem(PLACE));
      sessionStorage.removeItem(PLACE);
      return place ?? [];
    } catch {
      return [];
    }
  }

  // What scripts draw comes later: until then the page is too short, and the reader may go elsewhere.
  function restore(x, y) {
    const end = performance.now() + PATIENCE;
    let moved = false;
    for (const input of ["wheel", "touchstart", "keydown", "mousedown"]) {
      addEventListener(input, () => { moved = true; }, { once: true, passive: true });
    }
    (function again() {
      if (moved) return;
      scrollTo(x, y);
      if (Math.abs(scrollY - y) > 1 && performance.now() < end) requestAnimationFrame(again);
    })();
  }

  // A server that has just started does not know its state yet: that is no change.
  globalThis.archiverState = (state) => {
    if (state !== "" && state !== shown) reload();
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
  const [address, x, y] = kept();
  if (address === location.href) restore(x, y);
  timer = setTimeout(ask, INTERVAL);
})();
