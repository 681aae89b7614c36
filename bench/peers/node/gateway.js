// The gateway: WebSockets on one side, Redis on the other.
//
// A client asks with `{"prompt": …, "model": …, "max_tokens": …}`. That becomes a job in a list of Redis, with a Pub/Sub channel of its
// own for the answer, whose messages go to the client as they are.

import { randomUUID } from "node:crypto";
import { on } from "node:events";
import { Redis } from "ioredis";
import { WebSocketServer } from "ws";

const JOBS = "node:jobs";
// A worker that says nothing for so long is thought to be dead.
const PATIENCE_MS = 60_000;
// Where the kind begins in a message, which is `token` in all but the last one.
const KIND = '{"type":"'.length;
const TOKEN = "t".charCodeAt(0);

const redis = new Redis(process.env.REDIS_URL);
// One connection for the channels of all answers.
const subscriber = redis.duplicate();
// By channel, who takes what is said in it.
const listeners = new Map();
subscriber.on("messageBuffer", (channel, frame) => listeners.get(channel.toString("latin1"))?.(frame));

class Client {
  constructor(socket, stream) {
    this.socket = socket;
    this.stream = stream;
  }

  // Sends a text frame. Those that came together from Redis leave in one write.
  send(frame) {
    if (this.stream.writableCorked === 0) {
      this.stream.cork();
      process.nextTick(() => this.stream.uncork());
    }
    this.socket.send(frame, { binary: false });
  }

  fail(message) {
    this.send(JSON.stringify({ type: "error", message }));
  }

  // Answers one request after the other.
  async converse() {
    for await (const [message] of on(this.socket, "message", { close: ["close"] })) {
      const job = parsed(message);
      if (job) await this.answer(job);
      else this.fail("expected an object with prompt, model and max_tokens");
    }
  }

  // Tells the client what a worker says, until it says that this is all.
  async answer(job) {
    const channel = `answer:${randomUUID()}`;
    const { promise: isOver, resolve: end } = Promise.withResolvers();
    const patience = setTimeout(() => {
      this.fail("no worker answers");
      end();
    }, PATIENCE_MS);
    listeners.set(channel, (frame) => {
      patience.refresh();
      this.send(frame);
      if (frame[KIND] !== TOKEN) end();
    });
    this.socket.once("close", end);
    try {
      await subscriber.subscribe(channel);
      // Only when that stands the job, or its first words could be missed.
      await redis.lpush(JOBS, JSON.stringify({ ...job, channel }));
      await isOver;
    } finally {
      this.socket.off("close", end);
      listeners.delete(channel);
      clearTimeout(patience);
      // Nobody has to wait for that.
      subscriber.unsubscribe(channel).catch(console.error);
    }
  }
}

function parsed(message) {
  try {
    const { prompt, model, max_tokens } = JSON.parse(message);
    const isAsk = typeof prompt === "string" && typeof model === "string" && Number.isInteger(max_tokens);
    return isAsk ? { prompt, model, max_tokens } : undefined;
  } catch {
    return undefined;
  }
}

await Promise.all([redis.ping(), subscriber.ping()]);
// Compression would cost more than it saves on frames of this size.
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  path: "/ws",
  perMessageDeflate: false,
  clientTracking: false,
});
server.on("connection", (socket, request) => {
  const client = new Client(socket, request.socket);
  client.converse().catch((error) => {
    console.error(error);
    socket.terminate();
  });
});
