// The page around the tabs: each tab has its own URL, and arrow keys move between them.
(() => {
  // Including those that a narrow page moves into a menu.
  const tabs = () => [...document.querySelectorAll("[role=tablist] [role=tab], .tab-wrapper .overflow-dropdown button")];
  const nameOf = (tab) => tab.textContent.trim().toLowerCase();
  const address = () => location.hash.slice(1).toLowerCase() || nameOf(tabs()[0]);  // without a name it is the first
  function open() {
    const tab = tabs().find((one) => nameOf(one) === address());
    if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
    return Boolean(tabs().length);
  }
  document.addEventListener("click", (event) => {
    const tab = tabs().find((one) => one.contains(event.target));
    if (!tab || nameOf(tab) === address()) return;
    // The browser's "Back" goes to the last tab, and does not leave the page and its photo by a slip. Arrow keys pass
    // by tabs that nobody asked for.
    history[event.isTrusted ? "pushState" : "replaceState"](null, "", `#${nameOf(tab)}`);
  });
  document.addEventListener("keydown", (event) => {
    const all = tabs().filter((one) => one.offsetParent !== null), at = all.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = all[(to + all.length) % all.length];
    next.focus();
    next.click();
  });
  function mend() {
    // Fix labels that Gradio 6.31 puts where none is allowed, or in place of the visible text.
    document.querySelectorAll(".empty[aria-label]:not([role])").forEach((one) => one.setAttribute("role", "img"));
    document.querySelectorAll("button.upload-container[aria-label]").forEach((one) => one.removeAttribute("aria-label"));
  }
  let due = 0;
  new MutationObserver(() => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(mend);
  }).observe(document.documentElement, { childList: true, subtree: true });
  addEventListener("hashchange", open);
  // Show nothing until the layout has settled: it would jump about.
  const began = performance.now();
  const waiting = setInterval(() => {
    if (!open() || (!document.querySelector("#image .photo") && performance.now() - began < 20_000)) return;
    clearInterval(waiting);
    requestAnimationFrame(() => requestAnimationFrame(() => {
      document.documentElement.classList.add("ready");
      document.getElementById("opening").remove();
    }));
  }, 50);
})();
