// node's http module: one keep-alive Agent for all requests.
//   timeout_destroy  the `timeout` event destroys the request
//   timeout_only     the `timeout` event is taken for the end of the request, which it is not:
//                    "The request must be destroyed manually" (nodejs.org/api/http.html)
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { HEALTH_TIMEOUT_MS, pieces, readOrder, run } from './driver_protocol.mjs';

const order = readOrder();
const { Agent, request: open, get } = order.url.startsWith('https:') ? https : http;
const agent = new Agent({ keepAlive: true });
const kept = [];

function timeoutError() {
  return Object.assign(new Error('the request timed out'), { name: 'TimeoutError' });
}

function onTimeout(request, reject) {
  if (order.mode === 'timeout_only') {
    kept.push(request);
    reject(timeoutError());
  } else {
    request.destroy(timeoutError());
  }
}

function onResponse(response, resolve, reject) {
  response.on('end', resolve).on('error', reject).resume();
}

function framingHeaders() {
  if (order.framing === 'length') return { 'Content-Length': order.bodyBytes };
  return order.framing === 'chunked' ? { 'Transfer-Encoding': 'chunked' } : {};
}

function send() {
  return new Promise((resolve, reject) => {
    const request = open(order.url, {
      agent, headers: framingHeaders(), method: order.method, timeout: order.timeoutMs,
    });
    request.on('timeout', () => onTimeout(request, reject));
    request.on('response', (response) => onResponse(response, resolve, reject));
    request.on('error', reject);
    if (order.framing === 'none') request.end();
    else Readable.from(pieces(order.bodyBytes)).pipe(request);
  });
}

function check() {
  return new Promise((resolve, reject) => {
    const request = get(order.url, { agent, timeout: HEALTH_TIMEOUT_MS });
    request.on('timeout', () => request.destroy(timeoutError()));
    request.on('response', (response) => onResponse(response, resolve, reject));
    request.on('error', reject);
  });
}

run({ order, kept, send, check, close: () => agent.destroy() });
