
"use strict";
(() => {
  const EVERY = 5000;
  const stale = document.getElementById("stale");
  let answered = Date.now(), under_way = false;

  const isBusy = () => {
    const chosen = getSelection();
    return document.hidden || (chosen && !chosen.isCollapsed);
  };

  // The answer is a whole page; only what differs is put in, so that nothing flickers or jumps.
  const show = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const here = document.querySelector("main"), there = next.querySelector("main");
    if (!there) throw new Error("this is no page of the agent");
    const keyed = (root) => [...root.querySelectorAll("details[data-key]")].map((one) => [one.dataset.key, one]);
    const before = new Map(keyed(here));
    for (const [key, one] of keyed(there)) one.open = before.get(key)?.open ?? false;
    const parts = [[...here.children], [...there.children]];
    if (parts[0].length !== parts[1].length) {
      here.replaceChildren(...parts[1]);
    } else {
      parts[0].forEach((old, index) => {
        const fresh = parts[1][index];
        if (old.isEqualNode(fresh)) return;
        const scrolled = old.querySelector(".wide")?.scrollLeft;
        old.replaceWith(fresh);
        if (scrolled) fresh.querySelector(".wide").scrollLeft = scrolled;
      });
    }
    document.title = next.title;
    const icon = next.querySelector("link[rel=icon]");
    if (icon) document.querySelector("link[rel=icon]").href = icon.getAttribute("href");
    document.documentElement.dataset.refreshed = String(1 + Number(document.documentElement.dataset.refreshed ?? 0));
  };

  const refresh = async () => {
    if (under_way || isBusy()) return;
    under_way = true;
    try {
      const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(2 * EVERY) });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.text());
      answered = Date.now();
      stale.hidden = true;
    } catch {
      const seconds = Math.round((Date.now() - answered) / 1000);
      stale.textContent = `The agent has not answered for ${seconds} s; this is how it stood then.`;
      stale.hidden = false;
    } finally {
      under_way = false;
    }
  };

  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
})();
