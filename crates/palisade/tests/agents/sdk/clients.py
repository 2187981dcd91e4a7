# The official SDKs for Python: does what it is told by name, and prints what each found as JSON.
import json, os, re, sys, time

import anthropic
import openai

quiet = {"max_retries": 0, "timeout": 60}
a = anthropic.Anthropic(**quiet)
o = openai.OpenAI(**quiet)
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}}
ANTHROPIC = [{"name": "Bash", "description": "x", "input_schema": SCHEMA}]
CHAT = [{"type": "function", "function": {"name": "Bash", "description": "x", "parameters": SCHEMA}}]
RESPONSES = [{"type": "function", "name": "Bash", "description": "x", "parameters": SCHEMA, "strict": False}]


def said(text):
    return [{"role": "user", "content": text}]


def messages(text, model="claude-1", client=a, **more):
    asked = {"model": model, "max_tokens": 64, "messages": said(text), "tools": ANTHROPIC}
    return of_messages(client.messages.create(**asked, **more))


def messages_stream(text):
    asked = {"model": "claude-1", "max_tokens": 64, "messages": said(text), "tools": ANTHROPIC}
    with a.messages.stream(**asked) as stream:
        words = "".join(stream.text_stream)
        found = of_messages(stream.get_final_message())
    assert words == "".join(part for part in found["parts"] if isinstance(part, str)), words
    return found


def of_messages(m):
    assert len({b.id for b in m.content if b.type == "tool_use"}) == sum(b.type == "tool_use" for b in m.content)
    parts = [b.text if b.type == "text" else [b.name, b.input] for b in m.content]
    return {"stop": m.stop_reason, "usage": [m.usage.input_tokens, m.usage.output_tokens], "parts": parts}


def messages_round(text):
    asked = {"model": "claude-1", "max_tokens": 64, "tools": ANTHROPIC}
    first = a.messages.create(**asked, messages=said(text))
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": "result-of-it"} for b in first.content if b.type == "tool_use"]
    talk = said(text) + [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    return of_messages(a.messages.create(**asked, messages=talk))


def chat(text, model="gpt-1", client=o):
    asked = {"model": model, "messages": said(text), "tools": CHAT}
    found = client.chat.completions.create(**asked)
    return of_chat(found.choices[0].message, found.choices[0].finish_reason, found.usage)


def chat_stream(text):
    asked = {"model": "gpt-1", "messages": said(text), "tools": CHAT, "stream_options": {"include_usage": True}}
    with o.chat.completions.stream(**asked) as stream:
        for _ in stream:
            pass
        found = stream.get_final_completion()
    return of_chat(found.choices[0].message, found.choices[0].finish_reason, found.usage)


def of_chat(message, finish, usage):
    calls = [[c.function.name, json.loads(c.function.arguments)] for c in message.tool_calls or []]
    assert len({c.id for c in message.tool_calls or []}) == len(calls)
    words = [message.content] if message.content else []
    return {"stop": finish, "usage": [usage.prompt_tokens, usage.completion_tokens], "parts": words + calls}


def responses(text, model="gpt-1"):
    return of_responses(o.responses.create(model=model, input=said(text), tools=RESPONSES))


def responses_stream(text):
    with o.responses.stream(model="gpt-1", input=said(text), tools=RESPONSES) as stream:
        words = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        found = of_responses(stream.get_final_response())
    assert words == "".join(part for part in found["parts"] if isinstance(part, str)), words
    return found


def of_responses(response):
    parts = []
    for item in response.output:
        if item.type == "function_call":
            parts.append([item.name, json.loads(item.arguments)])
        else:
            parts.extend(part.text for part in item.content)
    usage = [response.usage.input_tokens, response.usage.output_tokens]
    return {"stop": response.status, "usage": usage, "parts": parts}


def limited(call):
    try:
        call()
    except (anthropic.RateLimitError, openai.RateLimitError) as error:
        headers = error.response.headers
        return [type(error).__name__, error.status_code, int(headers["retry-after"]), "Palisade" in str(error)]
    return "it was not limited"


def waited(call):
    start = time.monotonic()
    found = call()
    return [found["parts"], time.monotonic() - start >= 1]


def broken(call):
    try:
        return call()
    except Exception as error:
        # One of them lets its HTTP library's error through, as it does without a gateway.
        return f"{type(error).__name__}: {error}"


def memory():
    """Where a key is in all that this process may read of its own."""
    pattern, found = re.compile(rb"agents-test-[k]ey"), []
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as bytes_:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            try:
                bytes_.seek(start)
                found += [line for _ in pattern.finditer(bytes_.read(end - start))]
            except (OSError, ValueError, OverflowError):
                continue
    return len(found)


WORDS = ["plain", "allowed", "denied", "parallel"]
CASES = {}
for form in [messages, messages_stream, chat, chat_stream, responses, responses_stream]:
    for word in WORDS:
        CASES[f"{form.__name__} {word}"] = lambda form=form, word=word: form(f"case-{word}")
    if form.__name__.endswith("_stream"):
        CASES[f"{form.__name__} breaks"] = lambda form=form: broken(lambda: form("case-breaks"))
CASES |= {
    "messages round": lambda: messages_round("case-allowed"),
    "messages fallback": lambda: messages("case-plain", "first-claude"),
    "chat fallback": lambda: chat("case-plain", "first-gpt"),
    "responses fallback": lambda: responses("case-plain", "first-gpt"),
    "messages waits": lambda: waited(lambda: messages("case-busy-a", client=a.with_options(max_retries=1))),
    "chat waits": lambda: waited(lambda: chat("case-busy-o", client=o.with_options(max_retries=1))),
    "messages models": lambda: [model.id for model in a.models.list()],
    "chat models": lambda: [model.id for model in o.models.list()],
    "messages count": lambda: a.messages.count_tokens(model="claude-1", messages=said("x")).input_tokens,
    "embeddings": lambda: [e.embedding for e in o.embeddings.create(model="text-embedding-1", input=["a", "b"], encoding_format="float").data],
    "placeholders": lambda: [a.api_key.startswith("palisade-placeholder-"), o.api_key.startswith("palisade-placeholder-")],
    "memory": memory,
}
LIMITED = {
    "first": lambda: messages("case-plain")["parts"],
    "messages": lambda: limited(lambda: messages("case-plain")),
    "chat": lambda: limited(lambda: chat("case-plain")),
}
found = {}
for name, case in (LIMITED if sys.argv[1:] == ["limited"] else CASES).items():
    try:
        found[name] = case()
    except Exception as error:
        found[name] = f"failed: {type(error).__name__}: {error}"
print(json.dumps(found))
