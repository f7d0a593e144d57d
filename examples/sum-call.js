// Calls `sum` with the number in the form, and shows what comes back.

const connection = new autobahn.Connection({
  url: router.url,
  realm: router.realm,
  max_retries: -1,
  initial_retry_delay: 0.5,
  max_retry_delay: 5,
});

connection.onopen = (session) => {
  showOpen(session);
  document.getElementById("call").disabled = false;
};

connection.onclose = (reason, details) => {
  showClosed(reason, details);
  document.getElementById("call").disabled = true;
};

document.getElementById("form").onsubmit = async (event) => {
  event.preventDefault();
  const { session } = connection;
  const number = Number(document.getElementById("number").value);
  const procedure = document.getElementById("procedure").value || (await offeredByAPage(session));
  try {
    const result = await session.call(procedure, [number]);
    show(`${procedure} of ${number}`, result, "");
  } catch (error) {
    show(`${procedure} of ${number}`, "–", refusal(procedure, error));
  }
};

/** `page.sum` where a page offers it, because `sum` was taken; else `sum`. */
async function offeredByAPage(session) {
  const lookup = session.call("wamp.registration.lookup", ["page.sum"]);
  const registration = await lookup.catch(() => null);
  return registration === null ? "sum" : "page.sum";
}

function refusal(procedure, error) {
  if (error.error === "wamp.error.no_such_procedure") {
    return `Nobody offers ${procedure}. Open the page that does, and try again.`;
  }
  return inWords(error);
}

function show(called, result, error) {
  document.getElementById("called").textContent = called;
  document.getElementById("result").textContent = result;
  document.getElementById("error").textContent = error;
  document.getElementById("error").hidden = error === "";
}

connection.open();
