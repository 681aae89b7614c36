// The cluster that the tests talk to, and the official client that talks to it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

export const MODEL = 'scripted';
const LAUNCHER = fileURLToPath(new URL('../cluster.py', import.meta.url));

/** Starts two gateways and two workers over Redis. */
export async function startCluster() {
  const child = spawn('python3', [LAUNCHER, 'redis'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit')]);
  assert.equal(typeof line, 'string', 'the cluster does not start: its log is above');
  const { gateways, model_server } = JSON.parse(line);
  return {
    client: (gateway = 0, options = {}) =>
      new OpenAI({ baseURL: gateways[gateway].url, apiKey: 'anyone', timeout: 30_000, ...options }),
    models: new ModelServer(model_server),
    async end() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

/** The scripted model server, as it tells of itself. */
class ModelServer {
  constructor(url) {
    this.url = url;
  }

  /** What happened so far; numbers that are given are waited for. */
  async stats(atLeast = {}) {
    const answer = await fetch(`${this.url}/stats?${new URLSearchParams(atLeast)}`);
    return answer.json();
  }

  /** The bodies of the requests that had this prompt in them. */
  async seen(prompt) {
    const { seen } = await this.stats();
    return seen.map(({ body }) => body).filter((body) => JSON.stringify(body).includes(JSON.stringify(prompt)));
  }

  /** What `act` does stops one stream that runs. */
  async abortsWithinASecond(act) {
    const { aborted } = await this.stats();
    await act();
    const begun = performance.now();
    assert.equal((await this.stats({ aborted: aborted + 1 })).aborted, aborted + 1);
    assert.ok(performance.now() - begun < 1000, 'it took more than a second');
  }
}

let prompts = 0;

/** A prompt that no other test has, with a script for the model server in it, and the same without the script. */
export function prompt(script = '', words = 3) {
  const plain = [`prompt ${prompts++}`, ...Array(words).keys()].join(' word');
  return { asked: `${plain} [[${script}]]`, plain };
}

export async function collect(events) {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

export const textOf = (events) =>
  events
    .filter((event) => event.type === 'response.output_text.delta')
    .map((event) => event.delta)
    .join('');

export const isTerminal = (event) =>
  ['response.completed', 'response.incomplete', 'response.failed'].includes(event.type);
