// POST /v1/responses and what can be done with a response afterwards.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { ResponsesToolRunner, runnerFunction } from 'openai/helpers/responses-tool-runner';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { MODEL, collect, prompt, startCluster, textOf } from './cluster.js';

let cluster, client, other;
before(async () => {
  cluster = await startCluster();
  [client, other] = [cluster.client(0), cluster.client(1)];
});
after(() => cluster.end());

test('whole', async () => {
  const { asked, plain } = prompt('echo', 20);
  const { data, response, request_id } = await client.responses
    .create({ model: MODEL, input: asked, metadata: { ticket: '7' } })
    .withResponse();
  assert.equal(data.output_text, plain);
  assert.deepEqual(data.metadata, { ticket: '7' });
  assert.equal(request_id, response.headers.get('x-request-id'));
  assert.equal((await other.responses.retrieve(data.id)).output_text, plain);
});

test('events', async () => {
  const { asked, plain } = prompt('echo', 20);
  const events = await collect(await client.responses.create({ model: MODEL, input: asked, stream: true }));
  assert.equal(textOf(events), plain);
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    [...events.keys()],
  );
  assert.equal(events.at(-1).type, 'response.completed');
});

for (const [name, script] of Object.entries({
  text: 'echo delay_ms=1',
  reasoning: 'reasoning=first_I_think echo',
  refusal: 'refusal=I_would_rather_not',
  calls: 'tool=get_weather args={"city":"Oslo"} tool=get_weather args={"city":"Rome"}',
})) {
  test(`the stream helper: ${name}`, async () => {
    const { asked } = prompt(script, 20);
    const stream = client.responses.stream({ model: MODEL, input: asked, tools: [weather] });
    const events = await collect(stream);
    const final = await stream.finalResponse();
    assert.deepEqual(final.output, (await other.responses.retrieve(final.id)).output.map(withParsed(final)));
    assert.equal(textOf(events), final.output_text);
  });
}

// The helper adds what it has parsed.
const withParsed = (final) => (item, at) => ({
  ...item,
  ...(item.content && { content: item.content.map((part, n) => ({ ...final.output[at].content[n], ...part })) }),
  ...(item.type === 'function_call' && { parsed_arguments: final.output[at].parsed_arguments }),
});

const weather = {
  type: 'function',
  name: 'get_weather',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};

test('a response in the background is resumed at the other gateway', async () => {
  const { asked, plain } = prompt('echo delay_ms=3', 60);
  const stream = await client.responses.create({ model: MODEL, input: asked, background: true, stream: true });
  const prefix = [];
  for await (const event of stream) {
    if (prefix.push(event) === 15) break;
  }
  const { id } = prefix[0].response;
  const rest = await collect(
    await other.responses.retrieve(id, { stream: true, starting_after: prefix.at(-1).sequence_number }),
  );
  assert.equal(textOf([...prefix, ...rest]), plain);
  assert.equal(rest[0]['narthex:merged_from'] ?? rest[0].sequence_number, prefix.length);
  assert.deepEqual(rest.at(-1).response.output, (await client.responses.retrieve(id)).output);
});

test('the stream helper resumes', async () => {
  const { asked, plain } = prompt('echo delay_ms=2', 30);
  const { id } = await client.responses.create({ model: MODEL, input: asked, background: true });
  const stream = other.responses.stream({ response_id: id, starting_after: 5 });
  const events = await collect(stream);
  assert.ok(events[0].sequence_number > 5);
  assert.equal((await stream.finalResponse()).output_text, plain);
});

test('cancel stops the model', async () => {
  const { asked } = prompt('endless delay_ms=5');
  const stream = await client.responses.create({ model: MODEL, input: asked, background: true, stream: true });
  let id;
  for await (const event of stream) {
    id ??= event.response.id;
    if (event.type === 'response.output_text.delta') break;
  }
  await cluster.models.abortsWithinASecond(async () => {
    assert.equal((await other.responses.cancel(id)).status, 'cancelled');
  });
  assert.equal((await client.responses.retrieve(id)).status, 'cancelled');
});

test('an aborted request for the whole stops the model', async () => {
  const { asked } = prompt('endless delay_ms=5');
  const controller = new AbortController();
  const answer = client.responses.create({ model: MODEL, input: asked }, { signal: controller.signal });
  const refused = assert.rejects(answer, OpenAI.APIUserAbortError);
  const { started } = await cluster.models.stats();
  if (!(await cluster.models.seen(asked)).length) await cluster.models.stats({ started: started + 1 });
  await cluster.models.stats({ running: 1 });
  await cluster.models.abortsWithinASecond(async () => {
    controller.abort();
    await refused;
  });
});

test('structured output', async () => {
  const { asked } = prompt('say={"capital":"Vienna"}');
  const Answer = z.object({ capital: z.string() });
  const response = await client.responses.parse({
    model: MODEL,
    input: asked,
    text: { format: zodTextFormat(Answer, 'answer') },
  });
  assert.deepEqual(response.output_parsed, { capital: 'Vienna' });
});

test('the tool runner', async () => {
  const { asked } = prompt('tool=get_weather args={"city":"Oslo"} say=It_snows.');
  const ran = [];
  const tool = zodResponsesFunction({
    name: 'get_weather',
    parameters: z.object({ city: z.string() }),
    function: ({ city }) => {
      ran.push(city);
      return 'snow';
    },
  });
  const runner = new ResponsesToolRunner({ functions: [runnerFunction(tool)] });
  const params = { model: MODEL, input: asked, parallel_tool_calls: false };
  for (const stream of [false, true]) {
    assert.equal((await runner.run(client, params, { stream })).output_text, 'It snows.');
  }
  assert.deepEqual(ran, ['Oslo', 'Oslo']);
});

test('input items, compaction and deletion', async () => {
  const { asked } = prompt('echo');
  const input = [1, 2, 3].map((at) => ({ role: 'user', content: `${at}: ${asked}` }));
  const { id } = await client.responses.create({ model: MODEL, input });
  const listed = await collect(other.responses.inputItems.list(id, { order: 'asc', limit: 2 }));
  assert.deepEqual(
    listed.map((item) => item.content[0].text),
    input.map((item) => item.content),
  );
  const compacted = await client.responses.compact({ model: MODEL, previous_response_id: id });
  assert.equal(compacted.output.at(-1).type, 'compaction');
  await other.responses.delete(id);
  await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
});

test('one key is one response at both gateways', async () => {
  const { asked } = prompt('echo delay_ms=2', 20);
  const options = { headers: { 'Idempotency-Key': crypto.randomUUID() } };
  const ask = (client, input) => client.responses.create({ model: MODEL, input }, options);
  const [one, two] = await Promise.all([ask(client, asked), ask(other, asked)]);
  assert.equal(one.id, two.id);
  assert.equal((await cluster.models.seen(asked)).length, 1);
  await assert.rejects(ask(other, 'Something else.'), (error) => {
    assert.ok(error instanceof OpenAI.ConflictError);
    assert.equal(error.code, 'idempotency_conflict');
    return true;
  });
});

test('models', async () => {
  const listed = await collect(client.models.list());
  assert.deepEqual(
    listed.map((model) => model.id),
    ['org/second', MODEL],
  );
  assert.equal((await client.models.retrieve('org/second')).id, 'org/second');
});

for (const [name, { body, type, param, code }] of Object.entries({
  'a wrong type': { body: { input: 7 }, type: OpenAI.BadRequestError, param: 'input', code: 'invalid_type' },
  'an unknown model': {
    body: { model: 'nobody' },
    type: OpenAI.NotFoundError,
    param: 'model',
    code: 'model_not_found',
  },
  'an unknown predecessor': {
    body: { previous_response_id: 'resp_nothing' },
    type: OpenAI.BadRequestError,
    param: 'previous_response_id',
    code: 'previous_response_not_found',
  },
  'too large': { body: { input: 'x'.repeat(1 << 20) }, type: OpenAI.APIError, code: 'request_too_large' },
})) {
  test(`the error of ${name}`, async () => {
    await assert.rejects(client.responses.create({ model: MODEL, input: 'Hi', ...body }), (error) => {
      assert.ok(error instanceof type, error);
      assert.deepEqual([error.param ?? undefined, error.code], [param, code]);
      assert.ok(error.requestID);
      return true;
    });
  });
}

test('a model that fails in mid-stream', async () => {
  const { asked } = prompt('say=This_much_and error_after=2');
  const heard = [];
  await assert.rejects(async () => {
    for await (const event of await client.responses.create({ model: MODEL, input: asked, stream: true })) {
      heard.push(event);
    }
  }, OpenAI.APIError);
  assert.equal(textOf(heard), 'This much ');
});
