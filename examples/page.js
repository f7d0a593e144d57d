// What the example pages share: where the router is, and the line at the top that says how the connection is.
//
// A page that a router serves connects to that router; opened as a file, to the one on this machine. Its address may
// say otherwise: ?url=ws://host:port/ws (or only ?path=/ws) and ?realm=realm1; for the connected users
// ?count=ws://host:port.

const query = new URLSearchParams(location.search);
const isFile = location.protocol === "file:";

/** The URL of a WebSocket at this path of the server that the page comes from. */
function socketUrl(path) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}

const path = query.get("path") ?? "/ws";
const router = {
  url: query.get("url") ?? (isFile ? `ws://127.0.0.1:8080${path}` : socketUrl(path)),
  realm: query.get("realm") ?? "realm1",
};

/** Says how the connection is: "open", "waiting" or "closed", and in words. */
function showState(state, text) {
  const line = document.getElementById("state");
  line.dataset.state = state;
  line.textContent = text;
}

/** Says that there is a session. */
function showOpen(session) {
  showState("open", `connected to ${session.realm}, session ${session.id}`);
}

/** Says why there is none, as a connection's `onclose` tells it. */
function showClosed(reason, details) {
  if (details.will_retry) {
    const what = reason === "unreachable" ? `no router at ${router.url}` : "the connection is lost";
    showState("waiting", `${what}; trying again`);
  } else {
    const why = details.message || details.reason || reason;
    showState("closed", `closed (${why}); reload the page to connect again`);
  }
}

/** An error that a call, a registration or a subscription was refused with, in words. */
function inWords(error) {
  const said = error.args?.map(String).join(" ");
  return said ? `${said} (${error.error})` : (error.error ?? String(error));
}

// The other pages are to find the same router, whose start page is only there where these come from it.
document.querySelectorAll("nav a, a.page").forEach((link) => (link.search = location.search));
if (!isFile) {
  const start = document.createElement("a");
  start.href = "/";
  start.textContent = "Start";
  document.querySelector("nav").prepend(start);
}
