import { said } from "./texts.js";

/**
 * Forms that carry a passkey's answer: `<form data-passkey="address of the question" hidden>`, revealed where
 * the browser knows passkeys. The button asks for the question, hands it to the browser, and sends the
 * answer as the form. A text marked `data-without-passkeys` goes.
 */
const REASONS = {
  NotAllowedError: () => said("Nothing was done: it was cancelled, or the time was over. Try again."),
  InvalidStateError: () => said("This device has a passkey of yours already."),
  SecurityError: () => said("Passkeys do not work at this address. Open this site by its own address."),
};
const OTHERWISE = () => said("Your browser could not do this. Try again, or use another way.");

export function passkeys(root) {
  if (!window.PublicKeyCredential) return;
  for (const form of root.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    const button = form.querySelector("[data-passkey-go]");
    button.addEventListener("click", () => ask(form, button));
    // Enter in a field means the button: without an answer there is nothing to send.
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target === button) return;
      event.preventDefault();
      button.click();
    });
  }
  for (const text of root.querySelectorAll("[data-without-passkeys]")) text.hidden = true;
}

async function ask(form, button) {
  const reason = form.querySelector("[data-passkey-said]");
  reason.textContent = "";
  // What else the form needs comes first: a passkey that was made and then refused would stay on the device.
  if ("pressed" in button.dataset || !form.reportValidity()) return;
  button.dataset.pressed = "";
  try {
    const answer = await fetch(form.dataset.passkey, { headers: { Accept: "application/json" } });
    const { publicKey } = await answer.json();
    if (!publicKey) {
      window.location.reload(); // the page says what has to be done first
      return;
    }
    form.elements.answer.value = JSON.stringify(await ceremony(publicKey));
    const shared = document.querySelector("form:not([data-passkey]) [name=shared]");
    if (shared) form.elements.shared.value = shared.type !== "checkbox" || shared.checked ? shared.value : "";
    form.requestSubmit();
  } catch (error) {
    reason.textContent = (REASONS[error.name] ?? OTHERWISE)();
  } finally {
    delete button.dataset.pressed;
  }
}

async function ceremony(question) {
  const publicKey = { ...question, challenge: bytes(question.challenge) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    publicKey[list] = (question[list] ?? []).map((each) => ({ ...each, id: bytes(each.id) }));
  }
  const made = question.user !== undefined;
  if (made) publicKey.user = { ...question.user, id: bytes(question.user.id) };
  const credential = await navigator.credentials[made ? "create" : "get"]({ publicKey });
  const { response } = credential;
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      ...(made
        ? { attestationObject: text(response.attestationObject), transports: response.getTransports?.() ?? [] }
        : {
            authenticatorData: text(response.authenticatorData),
            signature: text(response.signature),
            userHandle: response.userHandle ? text(response.userHandle) : null,
          }),
    },
  };
}

function bytes(base64url) {
  const decoded = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(decoded, (each) => each.charCodeAt(0));
}

function text(buffer) {
  const encoded = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return encoded.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
