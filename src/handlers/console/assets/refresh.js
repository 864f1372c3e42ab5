// Reloads the part of a page that has data-refresh, every so many seconds, until it has changed to one without it.
// Without this script, the part has a link that reloads the page.
//
// A part with data-refresh-also names another element that is taken from the same response.
//
// A part with data-follow names an element with a button and a status. The part is not reloaded while it is paused:
// by the button, or because the person reads it (details are open, something in it has the focus or is selected).
"use strict";

const MAX_RELOADS = 720; // an hour at five seconds: a forgotten tab must not send requests forever
const NO_CONNECTION = "No connection";

class Controls {
  constructor(part, element) {
    this.part = part;
    this.status = element.querySelector("[role=status]");
    this.button = element.querySelector("button");
    this.isPausedByButton = false;
    this.button.addEventListener("click", () => {
      this.isPausedByButton = !this.isPausedByButton;
      this.button.textContent = this.isPausedByButton ? "Resume" : "Pause";
      this.showState();
    });
    // The focus has moved, and details have opened or closed, only after the event.
    for (const name of ["focusin", "focusout", "toggle"]) {
      part.addEventListener(name, () => setTimeout(() => this.showState()), true);
    }
    element.hidden = false;
    this.showState();
  }

  get isRead() {
    const selection = getSelection();
    const hasSelection = selection.type === "Range" && this.part.contains(selection.anchorNode);
    return hasSelection || this.part.contains(document.activeElement) || this.part.querySelector("details[open]") !== null;
  }

  get isPaused() {
    return this.isPausedByButton || this.isRead;
  }

  showState() {
    if (this.isPausedByButton) this.show("Paused");
    else this.show(this.isRead ? "Paused while you read" : "Live");
  }

  showNew(count) {
    if (count > 0) this.show(`Live: ${count} new ${count === 1 ? "entry" : "entries"}`);
    else if (this.status.textContent === NO_CONNECTION) this.showState();
  }

  show(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  stop(text) {
    this.show(text);
    this.button.hidden = true;
  }
}

function listKeys(part) {
  return [...part.querySelectorAll("[data-key]")].map((element) => element.dataset.key);
}

// Returns the page as it is now; null if there is no answer, or the person has signed out.
async function load(part) {
  try {
    const response = await fetch(part.dataset.refreshUrl, { credentials: "same-origin", redirect: "error" });
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.getElementById(part.id) && page;
  } catch {
    return null;
  }
}

function replaceContent(element, next) {
  if (element && next && next.innerHTML !== element.innerHTML) element.innerHTML = next.innerHTML;
}

function start(part) {
  const controls = part.dataset.follow ? new Controls(part, document.getElementById(part.dataset.follow)) : null;
  part.classList.add("is-live"); // hides the link
  let reloads = 0;
  const timer = setInterval(async () => {
    if (document.hidden || controls?.isPaused) return;
    if (++reloads > MAX_RELOADS) {
      clearInterval(timer);
      controls?.stop("Paused: reload the page");
      return;
    }
    const page = await load(part);
    if (page === null) {
      controls?.show(NO_CONNECTION);
      return; // the part stays as it is
    }
    if (controls?.isPaused) return;
    const next = page.getElementById(part.id);
    const known = new Set(listKeys(part));
    controls?.showNew(listKeys(next).filter((key) => !known.has(key)).length);
    replaceContent(part, next);
    const also = part.dataset.refreshAlso;
    if (also) replaceContent(document.getElementById(also), page.getElementById(also));
    if (!next.dataset.refresh) clearInterval(timer);
  }, Number(part.dataset.refresh) * 1000);
}

document.querySelectorAll("[data-refresh]").forEach(start);
