// Shared by the Image and the Video tab: the parts that the HTML of both has, and the words on the stage and below it.
const part = (name) => element.querySelector(name);
const stage = part(".stage"), video = part("video"), help = part(".help");
const MOST_BYTES = Number(part(".file").dataset.most);

function tell(words) {
  help.hidden = !words;
  help.textContent = words;
}

function cover(words) {
  part(".cover").hidden = !words;
  part(".cover").textContent = words;
}

function visible() {
  return element.isConnected && element.offsetParent !== null;
}
