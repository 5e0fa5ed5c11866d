// The Video tab's answer: scrolls into view, is announced to screen readers, and keeps chart and player in sync.
(() => {
  const player = () => document.querySelector("#video-answer video");
  const charts = () => document.querySelector("#video-chart .chart");
  let said = "";

  function told() {
    // Announce the tab's status, once per change: "Ready", "Waiting", "Done", a refusal.
    const status = document.querySelector("#video-status"), state = status?.querySelector("strong")?.textContent ?? "";
    if (state === said) return;
    said = state;
    const line = document.getElementById("page-status");
    // Only our own text: Gradio writes its progress into the same place.
    const words = [...status.querySelectorAll("p, li")].map((part) => part.innerText.trim());
    if (line && state) line.textContent = words.filter(Boolean).join(" ");
    if (state !== "Done.") return;
    const answer = document.querySelector("#video-answer"), { top, bottom } = answer.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      answer.scrollIntoView({ block: "start", behavior: still ? "instant" : "smooth" });
    }
  }

  function follow() {
    // Move the cursor on the chart to the player's position.
    const chart = charts(), video = player();
    if (!chart || !video) return;
    const { seconds, left, right } = chart.dataset, share = Math.min(video.currentTime / seconds, 1);
    const cursor = chart.querySelector(".cursor");
    cursor.hidden = false;
    cursor.style.left = `${100 * (Number(left) + share * (right - left))}%`;
    // On a phone the chart is wider than its pane: scroll along.
    const pane = chart.parentElement, at = cursor.offsetLeft - pane.scrollLeft;
    if (at < 0 || at > pane.clientWidth) pane.scrollLeft += at - pane.clientWidth / 2;
  }

  new MutationObserver(told).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
  for (const kind of ["timeupdate", "seeked", "loadeddata"]) document.addEventListener(kind, follow, true);
  document.addEventListener("click", (event) => {
    const chart = event.target.closest?.("#video-chart .chart"), video = player();
    if (!chart || !video) return;
    const { seconds, left, right } = chart.dataset, place = chart.getBoundingClientRect();
    const share = ((event.clientX - place.left) / place.width - left) / (right - left);
    if (share >= 0 && share <= 1) video.currentTime = share * seconds;
  });
})();
