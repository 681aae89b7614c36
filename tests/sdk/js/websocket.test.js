// WS /v1/responses, by the client's own socket and by its session with lanes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ResponsesWebSocketSession } from 'openai/lib/responses/responses-websocket-session';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { MODEL, isTerminal, prompt, startCluster, textOf } from './cluster.js';

let cluster, client, other;
before(async () => {
  cluster = await startCluster();
  [client, other] = [cluster.client(0), cluster.client(1)];
});
after(() => cluster.end());

/** A socket for one test, and its messages as they come. */
async function connected(run, of = client) {
  const socket = new ResponsesWS(of);
  // Errors are messages, too; without a listener they would be exceptions of their own.
  socket.on('error', () => {});
  const messages = socket.stream();
  const next = async () => {
    for (;;) {
      const { value, done } = await messages.next();
      assert.ok(!done, 'the socket was closed');
      if (value.type === 'open') return value;
      if (value.type === 'message') return value.message;
      if (value.type === 'error') return value.error.error;
    }
  };
  const turn = async () => {
    const events = [];
    do events.push(await next());
    while (!isTerminal(events.at(-1)) && events.at(-1).type !== 'error');
    return events;
  };
  const create = (request) => socket.send({ type: 'response.create', model: MODEL, ...request });
  try {
    assert.equal((await next()).type, 'open');
    await run({ socket, create, next, turn });
  } finally {
    socket.close();
  }
}

test('a turn', () =>
  connected(async ({ create, turn }) => {
    const { asked, plain } = prompt('echo', 30);
    create({ input: asked });
    const events = await turn();
    assert.equal(textOf(events), plain);
    assert.ok(events.every((event) => !('stream_id' in event)));
    assert.equal((await other.responses.retrieve(events[0].response.id)).output_text, plain);
  }));

test('reasoning has the names that the client knows', () =>
  connected(async ({ create, turn }) => {
    create({ input: prompt('reasoning=I_think say=So.').asked });
    const thoughts = (await turn()).filter((event) => event.type === 'response.reasoning_text.delta');
    assert.equal(thoughts.map((event) => event.delta).join(''), 'I think ');
  }));

test('lanes run in parallel', () =>
  connected(async ({ create, next }) => {
    const [slow, fast] = [prompt('echo delay_ms=10', 40), prompt('echo delay_ms=1', 10)];
    create({ input: slow.asked, stream_id: 'slow' });
    create({ input: fast.asked, stream_id: 'fast' });
    const events = { slow: [], fast: [] };
    const ends = [];
    while (ends.length < 2) {
      const event = await next();
      events[event.stream_id].push(event);
      if (isTerminal(event)) ends.push(event.stream_id);
    }
    assert.deepEqual(ends, ['fast', 'slow']);
    assert.deepEqual([textOf(events.slow), textOf(events.fast)], [slow.plain, fast.plain]);
  }));

test('turns wait for each other', () =>
  connected(async ({ create, turn }) => {
    const all = [1, 2, 3].map(() => prompt('echo delay_ms=1', 10));
    for (const { asked } of all) create({ input: asked });
    for (const { plain } of all) assert.equal(textOf(await turn()), plain);
  }));

test('a session with lanes', () =>
  connected(async ({ socket }) => {
    const session = new ResponsesWebSocketSession(socket, {
      maxLanes: 8,
      maxBufferedEvents: 5000,
      maxBufferedBytes: 1 << 26,
    });
    const lanes = ['a', 'b', 'c'].map((name) => session.lane(name));
    const said = lanes.map(async (lane) => {
      const { asked, plain } = prompt('echo delay_ms=1', 20);
      lane.create({ model: MODEL, input: asked });
      assert.equal((await lane.finalResponse()).output_text, plain);
      // One event ends a failed response, or the next turn would begin with what is left of it.
      lane.create({ model: MODEL, input: prompt('fail=400').asked });
      assert.equal((await lane.finalResponse()).status, 'failed');
      lane.create({ model: MODEL, input: prompt('say=Well.').asked });
      assert.equal((await lane.finalResponse()).output_text, 'Well.');
    });
    await Promise.all(said);
    session.close();
  }));

test('continuation on the connection alone', () =>
  connected(async ({ create, turn }) => {
    create({ input: prompt('say=One.').asked, store: false });
    const begun = (await turn()).at(-1).response;
    const { asked } = prompt('say=Two.');
    create({ input: asked, store: false, previous_response_id: begun.id });
    assert.equal((await turn()).at(-1).response.status, 'completed');
    const [body] = await cluster.models.seen(asked);
    assert.equal(body.messages.length, 3);
    await connected(async (elsewhere) => {
      elsewhere.create({ input: 'And?', previous_response_id: begun.id });
      const [error] = await elsewhere.turn();
      assert.deepEqual([error.status, error.error.code], [400, 'previous_response_not_found']);
    }, other);
  }));

test('bad input leaves the connection alive', () =>
  connected(async ({ socket, create, turn }) => {
    for (const [message, param] of [
      ['{', null],
      ['{"type":"response.destroy"}', 'type'],
      ['{"type":"response.create","model":"scripted","input":7}', 'input'],
      ['{"type":"response.create","model":"nobody","input":"Hi"}', 'model'],
    ]) {
      socket.sendRaw(message);
      const [error] = await turn();
      assert.deepEqual([error.type, error.error.param], ['error', param]);
    }
    const { asked, plain } = prompt('echo');
    create({ input: asked });
    assert.equal(textOf(await turn()), plain);
  }));

test('a tool on a connection', () =>
  connected(async ({ create, turn }) => {
    const tools = [{ type: 'function', name: 'get_weather', parameters: null, strict: false }];
    create({ input: prompt('tool=get_weather say=It_snows.').asked, tools, store: false });
    const called = (await turn()).at(-1).response;
    const { call_id } = called.output[0];
    create({
      input: [{ type: 'function_call_output', call_id, output: 'snow' }],
      tools,
      store: false,
      previous_response_id: called.id,
    });
    assert.equal((await turn()).at(-1).response.output[0].content[0].text, 'It snows.');
  }));

test('a lost connection is resumed over HTTP', async () => {
  const { asked, plain } = prompt('echo delay_ms=3', 60);
  const prefix = [];
  await connected(async ({ create, next }) => {
    create({ input: asked });
    while (prefix.length < 20) prefix.push(await next());
  });
  const rest = [];
  const from = { stream: true, starting_after: prefix.at(-1).sequence_number };
  for await (const event of await other.responses.retrieve(prefix[0].response.id, from)) rest.push(event);
  assert.equal(textOf([...prefix, ...rest]), plain);
});

test('a close is answered', async () => {
  const socket = new ResponsesWS(client);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  for await (const { type } of socket.stream()) {
    if (type === 'open') socket.close();
  }
  assert.equal(await closed, 1000);
});
