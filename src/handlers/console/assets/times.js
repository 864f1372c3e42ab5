// Keeps the relative times of a page, such as "3 minutes ago", up to date. Their data-age is the age in seconds when the
// page was built, so the clock of this computer need not be right.
"use strict";

const AGE_UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]]; // as in rendering.py
const MAX_AGE_S = 30 * 86400; // an older time is a date
const words = new Intl.RelativeTimeFormat("en");
const firstSeen = new WeakMap();

function updateTimes() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    if (!firstSeen.has(time)) firstSeen.set(time, Date.now());
    const age = Number(time.dataset.age) + (Date.now() - firstSeen.get(time)) / 1000;
    const unit = AGE_UNITS.find(([, seconds]) => age >= seconds);
    if (unit === undefined || age > MAX_AGE_S) continue;
    const text = words.format(-Math.floor(age / unit[1]), unit[0]);
    if (time.textContent !== text) time.textContent = text;
  }
}

updateTimes();
setInterval(updateTimes, 10_000);
