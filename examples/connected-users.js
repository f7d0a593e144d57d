// Shows how many are connected, as the server counts them: `wamp echo --count`, or /count of `wamp router --demo`.
//
// A raw WebSocket: each message is the number as text. It connects again by itself.

const countUrl = query.get("count") ?? (isFile ? "ws://127.0.0.1:9000" : socketUrl("/count"));
const RETRY_MS = { first: 500, last: 5000 };
const DOTS_MAX = 60;

let retryMs = RETRY_MS.first;

function connect() {
  const socket = new WebSocket(countUrl);
  socket.onopen = () => {
    retryMs = RETRY_MS.first;
    showState("open", `connected to ${countUrl}`);
  };
  socket.onmessage = ({ data }) => showCount(Number(data));
  socket.onclose = () => {
    showCount(null);
    showState("waiting", `no connection to ${countUrl}${isFile ? " (wamp echo --count)" : ""}; trying again`);
    setTimeout(connect, retryMs);
    retryMs = Math.min(2 * retryMs, RETRY_MS.last);
  };
}

function showCount(count) {
  document.getElementById("count").textContent = count ?? "…";
  const dots = Array.from({ length: Math.min(count ?? 0, DOTS_MAX) }, () => document.createElement("i"));
  document.getElementById("dots").replaceChildren(...dots);
  document.title = count === null ? "Connected users" : `${count} connected`;
}

connect();
