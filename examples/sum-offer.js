// Offers `sum`, which adds the number it gets to the number in the page's field.
//
// Somebody else may offer `sum` already, as `wamp router --demo` does; then the page offers `page.sum` instead.

const CALLS_MAX = 20;
const TAKEN = "wamp.error.procedure_already_exists";

const connection = new autobahn.Connection({
  url: router.url,
  realm: router.realm,
  max_retries: -1,
  initial_retry_delay: 0.5,
  max_retry_delay: 5,
});

connection.onopen = async (session) => {
  showOpen(session);
  for (const procedure of ["sum", "page.sum"]) {
    try {
      return await offer(session, procedure);
    } catch (error) {
      if (error.error !== TAKEN) return show("offer", `${procedure} cannot be offered: ${inWords(error)}`);
    }
  }
  show("taken", "sum and page.sum are taken: another page like this one is open. Close it, and reload this one.");
};

connection.onclose = (reason, details) => {
  showClosed(reason, details);
  show("offer", "Not offered.");
  document.getElementById("taken").hidden = true;
};

async function offer(session, procedure) {
  await session.register(procedure, ([number]) => {
    if (typeof number !== "number") {
      throw new autobahn.Error("wamp.error.invalid_argument", [`${procedure} takes a number`]);
    }
    const mine = Number(document.getElementById("number").value);
    const total = number + mine;
    showCall(`${number} + ${mine} = ${total}`);
    return total;
  });
  show("offer", `Offered as ${procedure}.`);
  if (procedure !== "sum") {
    show("taken", `sum is taken: somebody else offers it on this router. This page offers ${procedure} instead.`);
  }
}

function showCall(text) {
  const line = document.createElement("li");
  line.className = "fresh";
  line.textContent = text;
  const calls = document.getElementById("calls");
  calls.prepend(line);
  [...calls.children].slice(CALLS_MAX).forEach((old) => old.remove());
  document.getElementById("none").hidden = true;
}

function show(id, text) {
  const element = document.getElementById(id);
  element.textContent = text;
  element.hidden = false;
}

connection.open();
