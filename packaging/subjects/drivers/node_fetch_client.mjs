// node's fetch, with the connections that node keeps for it.
//   timeout      AbortSignal.timeout() ends the request
//   abort        an AbortController does, by the command `cancel`, or else after the timeout
//   unread_kept  the response is kept and never read
import { Readable } from 'node:stream';
import { HEALTH_TIMEOUT_MS, pieces, readOrder, run } from './driver_protocol.mjs';

const order = readOrder();
const kept = [];
const controller = new AbortController();

function signalOf() {
  if (order.mode === 'timeout') return AbortSignal.timeout(order.timeoutMs);
  return order.mode === 'abort' ? controller.signal : undefined;
}

function body() {
  if (order.framing === 'none') return {};
  if (order.framing === 'length') return { body: Buffer.alloc(order.bodyBytes, 'f') };
  return { body: Readable.from(pieces(order.bodyBytes)), duplex: 'half' };
}

async function send() {
  if (order.mode === 'abort') setTimeout(() => controller.abort(), order.timeoutMs).unref();
  const response = await fetch(order.url, { method: order.method, signal: signalOf(), ...body() });
  if (order.mode === 'unread_kept') kept.push(response);
  else await response.arrayBuffer();
}

async function check() {
  const response = await fetch(order.url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
  await response.arrayBuffer();
}

async function close() {
  await Promise.all(kept.map((response) => response.body?.cancel()));
}

const cancel = order.mode === 'abort' ? () => controller.abort() : undefined;
run({ order, kept, send, check, close, cancel });
