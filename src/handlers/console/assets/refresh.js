// Reloads the part of a page that has data-refresh, every so many seconds, until it has changed to one without it.
// Without this script, the part has a link that reloads the page.
"use strict";

const MAX_RELOADS = 720; // an hour at five seconds: a forgotten tab must not send requests forever

function start(part) {
  part.classList.add("is-live"); // hides the link
  let reloads = 0;
  const timer = setInterval(async () => {
    if (document.hidden) return;
    if (++reloads > MAX_RELOADS) {
      clearInterval(timer);
      return;
    }
    let response;
    try {
      response = await fetch(part.dataset.refreshUrl, { credentials: "same-origin", redirect: "error" });
    } catch {
      return; // offline, or signed out: the page stays as it is, with its link
    }
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const next = page.getElementById(part.id);
    if (next === null) return;
    if (next.innerHTML !== part.innerHTML) part.innerHTML = next.innerHTML;
    if (!next.dataset.refresh) clearInterval(timer);
  }, Number(part.dataset.refresh) * 1000);
}

document.querySelectorAll("[data-refresh]").forEach(start);
