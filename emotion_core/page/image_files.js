// How image.js receives photos by drop and paste, and sends them to the server.
async function posted(address, options, body) {
  // {ok, status, said}: status is 0 without a response, said null if the response is not JSON.
  const query = new URLSearchParams(options);
  const reply = await fetch(`${address}?${query}`, { method: "POST", body }).catch(() => null);
  return { ok: reply?.ok ?? false, status: reply?.status ?? 0, said: (await reply?.json().catch(() => null)) ?? null };
}

function watchDrops(stage, visible, taken) {
  // Files dropped on the page or pasted, wherever the focus is, while the stage's tab is visible.
  const dropped = (transfer) => {
    const file = [...(transfer?.files ?? [])][0];
    if (file) taken(file);
    return Boolean(file);
  };
  document.addEventListener("paste", (event) => {
    if (visible() && dropped(event.clipboardData)) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => {
    if (!visible() || event.target.closest?.("[data-testid]")) return;
    event.preventDefault();
    stage.classList.add("over");
  });
  document.addEventListener("dragleave", () => stage.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    stage.classList.remove("over");
    if (visible() && !event.target.closest?.("[data-testid]") && dropped(event.dataTransfer)) event.preventDefault();
  });
}
