// The official SDKs for JavaScript: does what it is told by name, and prints what each found as JSON.
import { createRequire } from 'node:module'
const require = createRequire(process.env.CLIENTS + '/')
const { default: Anthropic } = await import(require.resolve('@anthropic-ai/sdk'))
const { default: OpenAI } = await import(require.resolve('openai'))

const quiet = { maxRetries: 0, timeout: 60000 }
const a = new Anthropic(quiet)
const o = new OpenAI(quiet)
const schema = { type: 'object', properties: { command: { type: 'string' } } }
const ANTHROPIC = [{ name: 'Bash', description: 'x', input_schema: schema }]
const CHAT = [{ type: 'function', function: { name: 'Bash', description: 'x', parameters: schema } }]
const RESPONSES = [{ type: 'function', name: 'Bash', description: 'x', parameters: schema, strict: false }]

const said = (text) => [{ role: 'user', content: text }]
const check = (held, what) => { if (!held) throw new Error(what) }
const words = (found) => found.parts.filter((part) => typeof part === 'string').join('')

const of_messages = (m) => {
  const calls = m.content.filter((b) => b.type === 'tool_use')
  check(new Set(calls.map((b) => b.id)).size === calls.length, 'an id twice')
  const parts = m.content.map((b) => (b.type === 'text' ? b.text : [b.name, b.input]))
  return { stop: m.stop_reason, usage: [m.usage.input_tokens, m.usage.output_tokens], parts }
}
const asked = (text, model = 'claude-1') => ({ model, max_tokens: 64, messages: said(text), tools: ANTHROPIC })
const messages = async (text, model, client = a) => of_messages(await client.messages.create(asked(text, model)))
const messages_stream = async (text) => {
  const stream = a.messages.stream(asked(text))
  let heard = ''
  stream.on('text', (text) => { heard += text })
  const found = of_messages(await stream.finalMessage())
  check(heard === words(found), heard)
  return found
}
const messages_round = async (text) => {
  const first = await a.messages.create(asked(text))
  const calls = first.content.filter((b) => b.type === 'tool_use')
  const content = calls.map((b) => ({ type: 'tool_result', tool_use_id: b.id, content: 'result-of-it' }))
  const talk = [...said(text), { role: 'assistant', content: first.content }, { role: 'user', content }]
  return of_messages(await a.messages.create({ ...asked(text), messages: talk }))
}

const of_chat = ({ choices: [{ message, finish_reason }], usage }) => {
  const calls = (message.tool_calls ?? []).map((c) => [c.function.name, JSON.parse(c.function.arguments)])
  check(new Set((message.tool_calls ?? []).map((c) => c.id)).size === calls.length, 'an id twice')
  const parts = [...(message.content ? [message.content] : []), ...calls]
  return { stop: finish_reason, usage: [usage.prompt_tokens, usage.completion_tokens], parts }
}
const chat = async (text, model = 'gpt-1', client = o) =>
  of_chat(await client.chat.completions.create({ model, messages: said(text), tools: CHAT }))
const chat_stream = async (text) => {
  const asked = { model: 'gpt-1', messages: said(text), tools: CHAT, stream_options: { include_usage: true } }
  return of_chat(await o.chat.completions.stream(asked).finalChatCompletion())
}

const of_responses = (response) => {
  const parts = response.output.flatMap((item) =>
    item.type === 'function_call' ? [[item.name, JSON.parse(item.arguments)]] : item.content.map((part) => part.text))
  return { stop: response.status, usage: [response.usage.input_tokens, response.usage.output_tokens], parts }
}
const responses = async (text, model = 'gpt-1') =>
  of_responses(await o.responses.create({ model, input: said(text), tools: RESPONSES }))
const responses_stream = async (text) => {
  const stream = o.responses.stream({ model: 'gpt-1', input: said(text), tools: RESPONSES })
  let heard = ''
  stream.on('response.output_text.delta', (event) => { heard += event.delta })
  const last = await stream.finalResponse()
  // The SDK gives out what failed as it is.
  if (last.status === 'failed') throw new OpenAI.APIError(undefined, last.error, last.error.message, undefined)
  const found = of_responses(last)
  check(heard === words(found), heard)
  return found
}

const limited = async (call) => {
  try {
    await call()
  } catch (error) {
    check(error instanceof Anthropic.RateLimitError || error instanceof OpenAI.RateLimitError, String(error))
    return ['RateLimitError', error.status, Number(error.headers.get('retry-after')), String(error).includes('Palisade')]
  }
  return 'it was not limited'
}
const waited = async (call) => {
  const start = performance.now()
  const found = await call()
  return [found.parts, performance.now() - start >= 1000]
}
const broken = async (call) => {
  try {
    return await call()
  } catch (error) {
    check(error instanceof Anthropic.AnthropicError || error instanceof OpenAI.OpenAIError, String(error))
    return `APIError: ${error}`
  }
}
const ids = async (list) => {
  const found = []
  for await (const model of list) found.push(model.id)
  return found
}
const retried = { maxRetries: 1, timeout: 60000 }

const CASES = {}
for (const form of [messages, messages_stream, chat, chat_stream, responses, responses_stream]) {
  for (const word of ['plain', 'allowed', 'denied', 'parallel']) {
    CASES[`${form.name} ${word}`] = () => form(`case-${word}`)
  }
  if (form.name.endsWith('_stream')) CASES[`${form.name} breaks`] = () => broken(() => form('case-breaks'))
}
Object.assign(CASES, {
  'messages round': () => messages_round('case-allowed'),
  'messages fallback': () => messages('case-plain', 'first-claude'),
  'chat fallback': () => chat('case-plain', 'first-gpt'),
  'responses fallback': () => responses('case-plain', 'first-gpt'),
  'messages waits': () => waited(() => messages('case-busy-a', undefined, new Anthropic(retried))),
  'chat waits': () => waited(() => chat('case-busy-o', undefined, new OpenAI(retried))),
  'messages models': () => ids(a.models.list()),
  'chat models': () => ids(o.models.list()),
  'messages count': async () => (await a.messages.countTokens({ model: 'claude-1', messages: said('x') })).input_tokens,
  embeddings: async () => {
    const asked = { model: 'text-embedding-1', input: ['a', 'b'], encoding_format: 'float' }
    return (await o.embeddings.create(asked)).data.map((e) => e.embedding)
  },
  placeholders: () => [a, o].map((client) => client.apiKey.startsWith('palisade-placeholder-')),
})
const LIMITED = {
  first: async () => (await messages('case-plain')).parts,
  messages: () => limited(() => messages('case-plain')),
  chat: () => limited(() => chat('case-plain')),
}
const found = {}
for (const [name, run] of Object.entries(process.argv[2] === 'limited' ? LIMITED : CASES)) {
  try {
    found[name] = await run()
  } catch (error) {
    found[name] = `failed: ${error?.stack ?? error}`
  }
}
console.log(JSON.stringify(found))
