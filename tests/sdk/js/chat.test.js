// POST /v1/chat/completions.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { MODEL, collect, prompt, startCluster } from './cluster.js';

let cluster, client;
before(async () => {
  cluster = await startCluster();
  client = cluster.client();
});
after(() => cluster.end());

const chat = (asked, more = {}, options = {}) =>
  client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: asked }], ...more }, options);

test('whole', async () => {
  const { asked, plain } = prompt('echo', 20);
  const { choices, usage } = await chat(asked);
  assert.equal(choices[0].message.content, plain);
  assert.equal(choices[0].finish_reason, 'stop');
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
});

test('chunks with usage', async () => {
  const { asked, plain } = prompt('echo', 20);
  const chunks = await collect(await chat(asked, { stream: true, stream_options: { include_usage: true } }));
  const last = chunks.pop();
  assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), plain);
  assert.ok(chunks.every((chunk) => chunk.usage === null));
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.total_tokens > 0);
});

test('the stream helper', async () => {
  const { asked, plain } = prompt('echo', 20);
  const stream = client.chat.completions.stream({ model: MODEL, messages: [{ role: 'user', content: asked }] });
  let said = '';
  stream.on('content', (delta) => (said += delta));
  assert.equal(await stream.finalContent(), plain);
  assert.equal(said, plain);
});

test('structured output', async () => {
  const { asked } = prompt('say={"capital":"Vienna"}');
  const completion = await client.chat.completions.parse({
    model: MODEL,
    messages: [{ role: 'user', content: asked }],
    response_format: zodResponseFormat(z.object({ capital: z.string() }), 'answer'),
  });
  assert.deepEqual(completion.choices[0].message.parsed, { capital: 'Vienna' });
});

for (const stream of [false, true]) {
  test(`runTools, ${stream ? 'in chunks' : 'whole'}`, async () => {
    const { asked } = prompt('tool=get_weather args={"city":"Oslo"} say=It_snows.');
    const ran = [];
    const runner = client.chat.completions.runTools({
      stream,
      model: MODEL,
      messages: [{ role: 'user', content: asked }],
      tools: [
        zodFunction({
          name: 'get_weather',
          parameters: z.object({ city: z.string() }),
          function: ({ city }) => {
            ran.push(city);
            return 'snow';
          },
        }),
      ],
    });
    assert.equal(await runner.finalContent(), 'It snows.');
    assert.deepEqual(ran, ['Oslo']);
  });
}

test('a client that leaves stops the model', async () => {
  const stream = await chat(prompt('endless delay_ms=5').asked, { stream: true });
  const chunks = stream[Symbol.asyncIterator]();
  for (let at = 0; at < 5; at++) await chunks.next();
  await cluster.models.abortsWithinASecond(() => stream.controller.abort());
});

test('errors', async () => {
  await assert.rejects(chat('Hi', { n: 2 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'n');
    return true;
  });
  await assert.rejects(chat('Hi', { model: 'nobody' }), OpenAI.NotFoundError);
  await assert.rejects(chat(prompt('fail=500').asked, {}, { maxRetries: 0 }), OpenAI.InternalServerError);
  const broken = async () => collect(await chat(prompt('error_after=2').asked, { stream: true }));
  await assert.rejects(broken, OpenAI.APIError);
});
