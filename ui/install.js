"use strict";
const form = document.getElementById("form");
const intro = document.getElementById("intro");
const message = document.getElementById("message");
const token = location.hash.startsWith("#/pbinstall/") ? location.hash.slice("#/pbinstall/".length) : "";
form.hidden = !token;

const back = location.hash.match(/^#\/auth\/oauth2-redirect-(success|failure)$/);
if (back) {
  intro.textContent = back[1] === "success" ? "You can close this window and go back to the app." : "Signing in did not work. You can close this window and try again.";
  window.close(); // works for windows that a script opened
}

function describe(answer) {
  const fields = Object.entries(answer.data ?? {}).map(([name, error]) => `${name}: ${error.message}`);
  return [answer.message, ...fields].join("\n");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  message.textContent = "";
  try {
    const response = await fetch("../api/collections/_superusers/records", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: token },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    if (!response.ok) throw new Error(describe(await response.json()));
    form.hidden = true;
    history.replaceState(null, "", location.pathname);
    intro.textContent = "The superuser was created. You can sign in with any PocketBase client now.";
  } catch (error) {
    message.textContent = error.message;
    button.disabled = false;
  }
});
