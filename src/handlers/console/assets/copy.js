// Adds a button "Copy" to each field that is meant to be copied. Without this script, the fields can be selected.
"use strict";

for (const field of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy";
  const name = document.createElement("span");
  name.className = "visually-hidden";
  name.textContent = field.labels.length ? ` ${field.labels[0].textContent}` : "";
  button.append(name);
  const status = document.createElement("span");
  status.className = "copied";
  status.setAttribute("role", "status");

  button.addEventListener("click", async () => {
    field.select();
    let isCopied = false;
    try {
      await navigator.clipboard.writeText(field.value);
      isCopied = true;
    } catch {
      // The clipboard is not available without HTTPS, or the browser denies it. This older way works there.
      isCopied = document.execCommand("copy");
    }
    status.textContent = isCopied ? "Copied" : "Selected. Copy it with Ctrl+C.";
  });

  const row = document.createElement("div");
  row.className = "copy-row";
  field.replaceWith(row);
  row.append(field, button, status);
}
