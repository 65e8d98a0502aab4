// The driver protocol for node: what both drivers of this folder say and listen to. ../README.md
// describes the lines; driver_protocol.py is the same for Python.
import { createInterface } from 'node:readline';

export const HEALTH_TIMEOUT_MS = 5000;
const PIECE_BYTES = 16 * 1024;

/** One line of the protocol. */
export function say(...words) {
  process.stdout.write(words.join(' ') + '\n');
}

/** What to do, from the command line that the recipe filled in. */
export function readOrder() {
  const words = process.argv.slice(2);
  const given = {};
  for (let i = 0; i + 1 < words.length; i += 2) given[words[i].replace(/^--/, '')] = words[i + 1];
  return {
    url: given.url,
    method: given.method,
    framing: given.framing,
    mode: given.mode,
    bodyBytes: Number(given['body-bytes']),
    timeoutMs: Number(given['timeout-ms']),
    requests: Number(given.requests),
  };
}

/** The body, piece by piece. */
export function* pieces(count) {
  for (let left = count; left > 0; left -= PIECE_BYTES)
    yield Buffer.alloc(Math.min(PIECE_BYTES, left), 'f');
}

/** The name of an error: its code (ECONNRESET), or else its class. */
function nameOf(error) {
  return error.code && typeof error.code === 'string' ? error.code : error.name;
}

/** `ok`, or the name of the error, which nothing keeps. */
async function outcomeOf(work) {
  try {
    await work;
    return 'ok';
  } catch (error) {
    return nameOf(error.cause ?? error);
  }
}

/**
 * Obeys commands until `exit` or the end of standard input.
 * @param {{order: object, kept: unknown[], send: (number: number) => Promise<void>,
 *   check: () => Promise<void>, close: () => Promise<void>|void, cancel?: () => void}} driver
 *   `kept`: what the program refers to after a request; `cancel`: absent where none is by command
 */
export function run(driver) {
  const { order } = driver;
  let cancelledAt = null;

  async function start() {
    const running = Array.from({ length: order.requests }, (_, i) => outcomeOf(driver.send(i)));
    const results = await Promise.all(running);
    for (const result of results) say('RESULT', result);
    const error = results.find((result) => result !== 'ok');
    if (cancelledAt !== null && error)
      say('CANCELLED', error, Math.round(performance.now() - cancelledAt));
    say('HOLD');
  }

  const actions = {
    start,
    cancel() {
      if (!driver.cancel) return;
      cancelledAt = performance.now();
      driver.cancel();
    },
    async health() {
      say('HEALTH', await outcomeOf(driver.check()));
    },
    gc() {
      globalThis.gc?.(); // node --expose-gc
      say('HOLD');
    },
    drop() {
      driver.kept.length = 0;
      say('HOLD');
    },
    async close() {
      await driver.close();
      say('HOLD');
    },
    exit: () => process.exit(0),
  };
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => actions[line.trim()]?.());
  lines.on('close', () => process.exit(0));
  say('READY', process.versions.node);
}
