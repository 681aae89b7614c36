// The worker: takes jobs from a list of Redis, calls the model server, and publishes each token as it comes.

import { Redis } from "ioredis";
import { Agent, request } from "undici";

const JOBS = "node:jobs";
// So many answers are produced at a time.
const CONCURRENCY = 2000;
// How long a model server may say nothing.
const PATIENCE_MS = 60_000;
const DATA = "data: ";

const url = `${process.env.UPSTREAM_URL.replace(/\/+$/, "")}/chat/completions`;
const upstream = new Agent({ headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS });
// What is published at once goes to Redis in one write.
const redis = new Redis(process.env.REDIS_URL, { enableAutoPipelining: true });
// It blocks while there is no job, and so has a connection of its own.
const queue = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });

// One job, from the call of the model server to the last message in its channel.
async function produce({ channel, ...job }) {
  let end = { type: "done" };
  try {
    await stream(job, channel);
  } catch (error) {
    end = { type: "error", message: `the model server failed: ${error.message}` };
  }
  await redis.publish(channel, JSON.stringify(end));
}

// Publishes each token of the answer.
async function stream({ prompt, model, max_tokens }, channel) {
  const { statusCode, body } = await request(url, {
    dispatcher: upstream,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: prompt }], max_tokens, stream: true }),
  });
  if (statusCode !== 200) {
    await body.dump();
    throw new Error(`status ${statusCode}`);
  }
  body.setEncoding("utf8");
  let [index, begun, isWhole] = [0, "", false];
  // It is read to its end, so that the connection can be used again.
  for await (const chunk of body) {
    const lines = (begun + chunk).split("\n");
    begun = lines.pop();
    const published = [];
    for (const line of lines) {
      if (!line.startsWith(DATA)) continue;
      const data = line.slice(DATA.length).trimEnd();
      if (data === "[DONE]") {
        isWhole = true;
        continue;
      }
      const text = JSON.parse(data).choices[0]?.delta.content;
      if (!text) continue;
      published.push(redis.publish(channel, JSON.stringify({ type: "token", index, text })));
      index += 1;
    }
    // What Redis has not taken yet does not pile up here.
    await Promise.all(published);
  }
  if (!isWhole) throw new Error("it broke off");
}

await Promise.all([redis.ping(), queue.ping()]);
console.log("ready");
const running = new Set();
for (;;) {
  const [, job] = await queue.brpop(JOBS, 0);
  const production = produce(JSON.parse(job))
    .catch(console.error)
    .finally(() => running.delete(production));
  running.add(production);
  if (running.size >= CONCURRENCY) await Promise.race(running);
}
