// Offers `sum`, which adds the number it gets to the number in the page's field.
//
// Somebody else may offer `sum` already, as `wamp router --demo` does; then the page offers `page.sum` instead.

const CALLS_MAX = 20;

const connection = new autobahn.Connection({
  url: router.url,
  realm: router.realm,
  max_retries: -1,
  initial_retry_delay: 0.5,
  max_retry_delay: 5,
});

connection.onopen = async (session) => {
  showOpen(session);
  try {
    await offer(session, "sum");
  } catch (error) {
    if (error.error !== "wamp.error.procedure_already_exists") return showRefusal("sum", error);
    showTaken();
    await offer(session, "page.sum").catch((error) => showRefusal("page.sum", error));
  }
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
}

function showTaken() {
  show("taken", "sum is taken: somebody else offers it on this router. This page offers page.sum instead.");
}

function showRefusal(procedure, error) {
  show("offer", `${procedure} cannot be offered: ${inWords(error)}`);
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
